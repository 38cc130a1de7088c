"""Reaching MLflow: its address, a client, an experiment.

MLflow takes seconds to import, so it is imported when a client opens, not before.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import Any

from entp.config import Config
from entp.errors import SetupError, first_line

#: The value of `track.uri` that switches tracking off.
OFF = "none"
#: What MLflow reads from the environment, unless the user has set it: to give up soon on a server that is down, to
#: send nothing home, and to leave the terminal to us.
SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


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
        raise unusable(uri, error) from error
    return client


def experiment_id(client: Any, config: Config, output: Path) -> str:
    """MLFLOW_EXPERIMENT_ID, else the id of `track.experiment`, made where it is not there.

    A new one on a local SQLite store keeps its artifacts beside that file.
    """
    named = os.environ.get("MLFLOW_EXPERIMENT_ID")
    if named:
        return named
    name, uri = config.track.experiment, tracking_uri(config, output)
    experiment = client.get_experiment_by_name(name)
    if experiment is not None:
        return str(experiment.experiment_id)
    beside = None
    if uri.startswith("sqlite:///"):
        beside = (Path(uri.removeprefix("sqlite:///")).resolve().parent / "mlartifacts").as_uri()
    return str(client.create_experiment(name, artifact_location=beside))


def unusable(uri: str, error: Exception) -> SetupError:
    """The error that names an MLflow server that failed, and the remedy."""
    return SetupError(
        without_password(
            f"MLflow at {uri} cannot be used ({first_line(error)}); start the server, correct track.uri, "
            f"or switch tracking off with track.uri={OFF}"
        )
    )


def without_password(text: str) -> str:
    """The text with the user part of URLs (`http://user:password@host`) starred out."""
    return re.sub(r"://[^/@\s]+@", "://***@", text)


def _quiet() -> None:
    """Database migrations and the like are MLflow's own business."""
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
