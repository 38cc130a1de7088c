"""The MLflow model registry: who is champion, and how a model becomes it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from entp.gate.decide import Scored

#: Tag of a model version: digest of the model's files, so that the same model is registered once.
CONTENT_TAG = "entp.content"
#: Tags with the scores that a version was promoted with, for people: `score.<task>`.
SCORE_TAG = "score."
SCORES_FILE, ITEMS_FILE = "scores.parquet", "items.parquet"
NOT_THERE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


@dataclass(frozen=True)
class Champion:
    """The version that carries the alias, and the evaluation it was promoted with (None where that is gone)."""

    version: str
    content: str
    scored: Scored | None


def find_champion(client: Any, name: str, alias: str) -> Champion | None:
    """The model version with `alias`, or None where there is none yet."""
    from mlflow.exceptions import MlflowException

    try:
        version = client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        # any other failure must not pass for "no champion": the next model would take its place unchallenged
        if error.error_code not in NOT_THERE:
            raise
        return None
    content = version.tags.get(CONTENT_TAG, "")
    return Champion(str(version.version), content, _evaluation_of(client, version.run_id, content))


def promote(client: Any, run_id: str, name: str, alias: str, model: Path, scored: Scored, content: str) -> str:
    """Register the model, unless a version with the same content is there already, then move the alias to it.

    Weights and evaluation are copied into the run's artifacts, under their digest: a later training run into the
    same folder must not change what a version stands for.
    """
    version = _version_with(client, name, content) or _register(client, run_id, name, model, scored, content)
    client.set_registered_model_alias(name, alias, version)
    return version


def _register(client: Any, run_id: str, name: str, model: Path, scored: Scored, content: str) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        scored.scores.write_parquet(Path(scratch) / SCORES_FILE)
        scored.items.write_parquet(Path(scratch) / ITEMS_FILE)
        client.log_artifacts(run_id, scratch, _folder("evaluation", content))
    client.log_artifacts(run_id, str(model), _folder("model", content))
    headlines = scored.scores.filter("headline").iter_rows(named=True)
    tags = {CONTENT_TAG: content} | {f"{SCORE_TAG}{row['task']}": f"{row['value']:.6g}" for row in headlines}
    source = f"{client.get_run(run_id).info.artifact_uri}/{_folder('model', content)}"
    return str(client.create_model_version(name, source, run_id, tags=tags).version)


def _version_with(client: Any, name: str, content: str) -> str | None:
    """The version of that content, where there is one. Creates the registered model on first use."""
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    token = None
    while True:
        page = client.search_model_versions(f"name='{name}'", page_token=token)
        for version in page:
            if version.tags.get(CONTENT_TAG) == content:
                return str(version.version)
        token = page.token
        if not token:
            return None


def _evaluation_of(client: Any, run_id: str | None, content: str) -> Scored | None:
    from mlflow.exceptions import MlflowException

    if not run_id:
        return None
    try:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(client.download_artifacts(run_id, _folder("evaluation", content), scratch))
            return Scored(pl.read_parquet(folder / SCORES_FILE), pl.read_parquet(folder / ITEMS_FILE))
    except (MlflowException, OSError):
        return None


def _folder(kind: str, content: str) -> str:
    """Artifact folder of one model: a run that goes on may bring forth another."""
    return f"{kind}-{content[:12]}"
