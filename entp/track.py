"""Tracking in MLflow, or nowhere.

One MLflow run per run folder and configuration: going on with a run resumes it, other parameters open a new one. An
injected MLFLOW_RUN_ID (as Kubeflow Pipelines sets it) is adopted, and left for its owner to end. `track.uri=none`
switches tracking off. MLflow takes seconds to import, so it is imported when a run opens, not before.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from rich.markup import escape

from entp import store
from entp.config import Config
from entp.errors import DataError, SetupError, Stopped, first_line
from entp.progress import console
from entp.records import digest_of
from entp.store import Summary

OFF = "none"
MEMORY = ".mlflow_run.json"
PARENT_TAG = "mlflow.parentRunId"
#: MLflow takes at most 100 parameters, 1,000 metrics and 500 characters per value in one call.
PARAMETERS_AT_ONCE, VALUE_CHARACTERS = 100, 500
#: What MLflow reads from the environment, unless the user has set it: to give up soon on a server that is down, to
#: send nothing home, and to leave the terminal to us.
SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


class Tracker(Protocol):
    """What the shells log; `MlflowTracker` does it, `NullTracker` does nothing."""

    def log_config(self, config: Config) -> None: ...

    def log_summary(self, summary: Summary) -> None: ...

    def log_seconds(self, stage: str, seconds: float) -> None: ...

    def log_dataset(self, dataset: Path, name: str) -> None: ...

    def log_artifact(self, path: Path, folder: str | None = None) -> None: ...

    def log_traces(self, mix: Path) -> None: ...

    def child(self, name: str) -> AbstractContextManager[Tracker]:
        """A run nested in this one, by name; it ends as the body does."""
        ...

    def describe(self) -> Mapping[str, str]:
        """Where the run can be found, as label and value."""
        ...


class NullTracker:
    """Tracking switched off."""

    def log_config(self, config: Config) -> None:
        del config

    def log_summary(self, summary: Summary) -> None:
        del summary

    def log_seconds(self, stage: str, seconds: float) -> None:
        del stage, seconds

    def log_dataset(self, dataset: Path, name: str) -> None:
        del dataset, name

    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        del path, folder

    def log_traces(self, mix: Path) -> None:
        del mix

    @contextmanager
    def child(self, name: str) -> Iterator[Tracker]:
        del name
        yield self

    def describe(self) -> Mapping[str, str]:
        return {}


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

        from entp import spans, traces

        if not self._traces:
            return
        try:
            traces.log(self._client, self._run_id, spans.sample(mix, self._traces))
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
        found = {"mlflow": without_password(self._uri), "run": self._run_id}
        if self._uri.startswith("sqlite:"):
            found["view"] = f"mlflow ui --backend-store-uri {self._uri}"
        return found

    def _log(self, values: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._client.log_batch(
            self._run_id, metrics=[Metric(name, float(value), now, 0) for name, value in values.items()]
        )


@contextmanager
def open_run(config: Config, output: Path) -> Iterator[Tracker]:
    """The tracker of a pipeline run in `output`.

    A body that raises ends the MLflow run as FAILED, an interrupt as KILLED. Raises SetupError naming the URI where
    the tracking server cannot be reached.
    """
    if config.track.uri == OFF:
        yield NullTracker()
        return
    uri = tracking_uri(config, output)
    output.mkdir(parents=True, exist_ok=True)
    client, run_id, adopted = _attach(config, output, uri)
    from mlflow.exceptions import MlflowException

    try:
        yield MlflowTracker(client, uri, run_id, config.track.traces)
        _end(client, run_id, "FINISHED", adopted)
    except BaseException as error:
        with suppress(MlflowException):  # the first failure is the one to tell
            _end(client, run_id, "KILLED" if isinstance(error, KeyboardInterrupt | Stopped) else "FAILED", adopted)
        if isinstance(error, MlflowException):
            raise _unusable(uri, error) from error
        raise


def tracking_uri(config: Config, output: Path) -> str:
    """`track.uri`, else MLFLOW_TRACKING_URI, else a SQLite file beside `output` that its sibling runs share."""
    return config.track.uri or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{output.resolve().parent}/mlflow.db"


def open_client(uri: str) -> Any:
    """An MLflow client. Raises SetupError where MLflow, or what the URI needs, is not installed or not reachable."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import mlflow

        _quiet()
        client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=os.environ.get("MLFLOW_REGISTRY_URI") or uri)
        client.search_experiments(max_results=1)
    except Exception as error:
        raise _unusable(uri, error) from error
    return client


def without_password(text: str) -> str:
    """The text with the user part of URLs (`http://user:password@host`) starred out."""
    return re.sub(r"://[^/@\s]+@", "://***@", text)


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


def _attach(config: Config, output: Path, uri: str) -> tuple[Any, str, bool]:
    """Client, run id, and whether the run belongs to somebody else."""
    client, place = open_client(uri), without_password(uri)
    injected = os.environ.get("MLFLOW_RUN_ID")
    if injected:
        if not _exists(client, injected):
            raise SetupError(f"MLFLOW_RUN_ID names run {injected}, which is not in MLflow at {place}")
        return client, injected, True
    memory = output / MEMORY
    parameters = digest_of(flat_parameters(config))
    known = json.loads(memory.read_text()) if memory.is_file() else {}
    if known.get("uri") == place and known.get("parameters") == parameters and _exists(client, known["run_id"]):
        client.update_run(known["run_id"], status="RUNNING")
        return client, str(known["run_id"]), False
    experiment = experiment_id(client, config, output)
    run = client.create_run(experiment, run_name=config.track.run_name or output.resolve().name)
    store.write_json(memory, {"uri": place, "run_id": run.info.run_id, "parameters": parameters})
    return client, str(run.info.run_id), False


def experiment_id(client: Any, config: Config, output: Path) -> str:
    """MLFLOW_EXPERIMENT_ID, else the id of `track.experiment`, made where it is not there.

    A new one on a local SQLite store keeps its artifacts beside that file.
    """
    named = os.environ.get("MLFLOW_EXPERIMENT_ID")
    if named:
        return named
    name, uri = config.track.experiment, tracking_uri(config, output)
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    beside = None
    if uri.startswith("sqlite:///"):
        beside = (Path(uri.removeprefix("sqlite:///")).resolve().parent / "mlartifacts").as_uri()
    return str(client.create_experiment(name, artifact_location=beside))


def _exists(client: Any, run_id: str) -> bool:
    from mlflow.exceptions import MlflowException

    try:
        return bool(client.get_run(run_id).info.lifecycle_stage == "active")
    except MlflowException:
        return False


def _end(client: Any, run_id: str, status: str, adopted: bool) -> None:
    if not adopted:
        client.set_terminated(run_id, status)


def _quiet() -> None:
    """Database migrations and the like are MLflow's own business."""
    import logging

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _unusable(uri: str, error: Exception) -> SetupError:
    return SetupError(
        without_password(
            f"MLflow at {uri} cannot be used ({first_line(error)}); start the server, correct track.uri, "
            f"or switch tracking off with track.uri={OFF}"
        )
    )
