"""An empty MLflow store, made once per test session: its migrations take seconds."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from entp.track.client import open_client

INJECTED = ("MLFLOW_RUN_ID", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID", "MLFLOW_REGISTRY_URI")


def put_empty_store(folder: Path) -> None:
    """`folder/mlflow.db`, where runs in `folder/<name>` keep what they log."""
    shutil.copyfile(_template(), folder / "mlflow.db")


@cache
def _template() -> Path:
    path = Path(tempfile.mkdtemp(prefix="entp-mlflow-")) / "mlflow.db"
    open_client(f"sqlite:///{path}")
    return path
