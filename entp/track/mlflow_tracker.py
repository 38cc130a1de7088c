"""The tracker that logs to one MLflow run."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.markup import escape

from entp import store
from entp.config import Config
from entp.errors import DataError, first_line
from entp.progress import console
from entp.store import Summary
from entp.track.client import without_password
from entp.track.tracker import Tracker

PARENT_TAG = "mlflow.parentRunId"
#: MLflow takes at most 100 parameters, 1,000 metrics and 500 characters per value in one call.
PARAMETERS_AT_ONCE, METRICS_AT_ONCE, VALUE_CHARACTERS = 100, 1000, 500


class MlflowTracker:
    """Logs to one MLflow run."""

    def __init__(self, client: Any, uri: str, run_id: str, traces: int) -> None:
        self._client = client
        self._uri = uri
        self._run_id = run_id
        self._traces = traces

    @property
    def client(self) -> Any:
        """The MLflow client, for the model registry."""
        return self._client

    @property
    def run_id(self) -> str:
        return self._run_id

    def log_config(self, config: Config) -> None:
        """The configuration as parameters named like `mix.max_pairs`; values that are logged already stay."""
        from mlflow.entities import Param

        known = self._client.get_run(self._run_id).data.params
        values = {name: value for name, value in flat_parameters(config).items() if name not in known}
        items = [Param(name, value) for name, value in values.items()]
        for start in range(0, len(items), PARAMETERS_AT_ONCE):
            self._client.log_batch(self._run_id, params=items[start : start + PARAMETERS_AT_ONCE])

    def log_summary(self, summary: Summary) -> None:
        """A stage's metrics as `stage/metric`, and its notes as the tag `note.<stage>`."""
        self._log({metric_name(summary.stage, name): value for name, value in summary.metrics.items()})
        if summary.notes:
            self._client.set_tag(self._run_id, f"note.{summary.stage}", " ".join(summary.notes)[:5000])

    def log_seconds(self, stage: str, seconds: float) -> None:
        self._log({metric_name(stage, "seconds"): seconds})

    def log_dataset(self, dataset: Path, name: str) -> None:
        """A published dataset as an input of the run, under its content digest (cut to MLflow's 36 characters)."""
        from mlflow.data.code_dataset_source import CodeDatasetSource
        from mlflow.data.meta_dataset import MetaDataset
        from mlflow.entities import DatasetInput, InputTag

        source = CodeDatasetSource(tags={"path": str(dataset.resolve())})
        entity = MetaDataset(source, name=name, digest=store.content_digest(dataset)[:36])._to_mlflow_entity()
        self._client.log_inputs(self._run_id, [DatasetInput(entity, [InputTag("mlflow.data.context", name)])])

    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        self._client.log_artifact(self._run_id, str(path), folder)

    def log_traces(self, mix: Path) -> None:
        """Up to `track.traces` pairs of the published dataset `mix` as traces of the run, in place of those before.

        They are for looking at: a server that cannot keep them costs one line of warning, never the run.
        """
        from mlflow.exceptions import MlflowException

        from entp.track import traced_pairs, traces

        if not self._traces:
            return
        try:
            traces.log(self._client, self._run_id, traced_pairs.sample(mix, self._traces))
        except (DataError, MlflowException, NotImplementedError) as error:
            reason = without_password(first_line(error)) if str(error) else "this tracking store keeps none"
            console.print(f"  [yellow]no traces in MLflow[/]: {escape(reason)}", highlight=False)

    @contextmanager
    def child(self, name: str) -> Iterator[Tracker]:
        """The nested run of that name, which is taken up again where there is one."""
        experiment = self._client.get_run(self._run_id).info.experiment_id
        children = self._client.search_runs([experiment], f"tags.`{PARENT_TAG}` = '{self._run_id}'")
        known = next((run for run in children if run.info.run_name == name), None)
        run = known or self._client.create_run(experiment, tags={PARENT_TAG: self._run_id}, run_name=name)
        self._client.update_run(run.info.run_id, status="RUNNING")
        try:
            yield MlflowTracker(self._client, self._uri, run.info.run_id, self._traces)
            self._client.set_terminated(run.info.run_id, "FINISHED")
        except BaseException:
            self._client.set_terminated(run.info.run_id, "FAILED")
            raise

    def describe(self) -> Mapping[str, str]:
        places = {"mlflow": without_password(self._uri), "run": self._run_id}
        if self._uri.startswith("sqlite:"):
            places["view"] = f"mlflow ui --backend-store-uri {self._uri}"
        return places

    def _log(self, values: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(name, float(value), now, 0) for name, value in values.items()]
        for start in range(0, len(metrics), METRICS_AT_ONCE):
            self._client.log_batch(self._run_id, metrics=metrics[start : start + METRICS_AT_ONCE])


def metric_name(stage: str, name: str) -> str:
    """`stage/metric`, with what MLflow does not allow in a name replaced by `_`."""
    return re.sub(r"[^\w./ -]", "_", f"{stage}/{name}")


def flat_parameters(config: Config) -> dict[str, str]:
    """Every value that a result depends on under its dotted name, as text; operational settings are left out."""
    flat: dict[str, str] = {}
    for name, value in config.digestible(type(config).model_fields).items():
        items = {f"{name}.{key}": item for key, item in value.items()} if isinstance(value, dict) else {name: value}
        flat.update({key: without_password(str(item))[:VALUE_CHARACTERS] for key, item in items.items()})
    return flat
