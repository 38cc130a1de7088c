"""The MLflow model registry: who is champion, and how a model becomes it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

#: Tag of a model version: digest of the model's files, so that the same model is registered once.
CONTENT_TAG = "entp.content"
ITEMS_FOLDER, ITEMS_FILE, MODEL_FOLDER = "evaluation", "items.parquet", "model"


@dataclass(frozen=True)
class Champion:
    """The version that carries the alias, and the item values it was promoted with (None where they are gone)."""

    version: str
    content: str
    items: pl.DataFrame | None


def find_champion(client: Any, name: str, alias: str) -> Champion | None:
    """The model version with `alias`, or None where there is none yet."""
    from mlflow.exceptions import MlflowException

    try:
        version = client.get_model_version_by_alias(name, alias)
    except MlflowException:
        return None
    return Champion(str(version.version), version.tags.get(CONTENT_TAG, ""), _items_of(client, version.run_id))


def promote(client: Any, run_id: str, name: str, alias: str, model: Path, items: pl.DataFrame, content: str) -> str:
    """Store model and item values in the run's artifacts, register a version of them, then move the alias to it."""
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / ITEMS_FILE
        items.write_parquet(path)
        client.log_artifact(run_id, str(path), ITEMS_FOLDER)
    client.log_artifacts(run_id, str(model), MODEL_FOLDER)
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    source = f"{client.get_run(run_id).info.artifact_uri}/{MODEL_FOLDER}"
    version = client.create_model_version(name, source, run_id, tags={CONTENT_TAG: content})
    client.set_registered_model_alias(name, alias, version.version)
    return str(version.version)


def _items_of(client: Any, run_id: str) -> pl.DataFrame | None:
    from mlflow.exceptions import MlflowException

    try:
        with tempfile.TemporaryDirectory() as scratch:
            return pl.read_parquet(client.download_artifacts(run_id, f"{ITEMS_FOLDER}/{ITEMS_FILE}", scratch))
    except (MlflowException, OSError):
        return None
