"""The MLflow run of a run folder.

One MLflow run per run folder and configuration: going on with a run resumes it, other parameters open a new one. An
injected MLFLOW_RUN_ID (as Kubeflow Pipelines sets it) is adopted, and left for its owner to end. `track.uri=none`
switches tracking off.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from entp import store
from entp.config import Config
from entp.errors import SetupError, Stopped
from entp.records import digest_of
from entp.track.client import OFF, experiment_id, open_client, tracking_uri, unusable, without_password
from entp.track.mlflow_tracker import MlflowTracker, flat_parameters
from entp.track.tracker import NullTracker, Tracker

MEMORY = ".mlflow_run.json"


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
            raise unusable(uri, error) from error
        raise


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


def _exists(client: Any, run_id: str) -> bool:
    from mlflow.exceptions import MlflowException

    try:
        return bool(client.get_run(run_id).info.lifecycle_stage == "active")
    except MlflowException:
        return False


def _end(client: Any, run_id: str, status: str, adopted: bool) -> None:
    if not adopted:
        client.set_terminated(run_id, status)
