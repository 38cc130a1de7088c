from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from entp import dvc_file, params, source_code, stages
from entp.config import Config
from entp.errors import UsageError
from entp.stages import NAMES, STAGES, Stage

ROOT = Path(__file__).parents[1]


def test_dvc_yaml_is_current():
    assert (ROOT / "dvc.yaml").read_text() == dvc_file.as_yaml(), "run `make generate`"


@pytest.mark.parametrize("stage", STAGES, ids=NAMES)
def test_dvc_runs_the_same_stage_with_the_same_dependencies(stage: Stage):
    declared = yaml.safe_load(dvc_file.as_yaml())["stages"][stage.name]
    named = [ROOT / path for path in declared["deps"] if not path.startswith("${")]
    assert {path for path in declared["deps"] if path.startswith("${")} == (
        {f"${{run}}/{parent}" for parent in stage.parents} or {"${pool}"}
    )
    reached = [path for path in source_code.files_of(stage.module) if path.read_bytes()]
    assert [path for path in reached if not any(path.is_relative_to(name) for name in named)] == []
    assert declared["params"] == list(stage.sections)


@pytest.mark.parametrize("stage", STAGES, ids=NAMES)
def test_a_stage_reads_only_the_sections_its_digest_covers(stage: Stage):
    text = "".join(file.read_text() for file in (source_code.PACKAGE / stage.name).rglob("*.py"))
    read = set(re.findall(r"\bconfig\.(\w+)\b", text)) & set(Config.model_fields)
    assert read <= set(stage.sections)


@pytest.mark.parametrize("stage", STAGES, ids=NAMES)
def test_parents_come_earlier_in_the_order(stage: Stage):
    assert all(NAMES.index(parent) < NAMES.index(stage.name) for parent in stage.parents)


def test_an_unknown_stage_lists_the_known_ones():
    with pytest.raises(UsageError, match="ingest, purge, rate"):
        stages.stage_named("filter")


def test_the_identity_changes_with_raw_content_and_not_with_its_location(tmp_path: Path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "pool.jsonl").write_text("{}")
    digest = stages.raw_digest(tmp_path / "one" / "pool.jsonl")
    assert digest == stages.raw_digest(tmp_path / "two" / "pool.jsonl")
    (tmp_path / "two" / "pool.jsonl").write_text("{ }")
    assert digest != stages.raw_digest(tmp_path / "two" / "pool.jsonl")


def test_the_identity_follows_the_content_of_a_folder_of_tasks(tmp_path: Path):
    def digest(folder: str) -> str:
        settings = params.load(None, [f"evaluate.include_path={tmp_path / folder}"])
        return stages.identity("evaluate", settings, {}).digest

    for folder in ("tasks", "elsewhere/tasks"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "mine.yaml").write_text("task: mine")
    before = digest("tasks")
    assert digest("elsewhere/tasks") == before
    (tmp_path / "tasks" / "mine.yaml").write_text("task: other")
    assert digest("tasks") != before


def test_the_identity_follows_the_weights_of_a_local_model(tmp_path: Path):
    def digest() -> str:
        return stages.identity("rate", params.load(None, [f"llm.model={tmp_path}"]), {}).digest

    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"one")
    before = digest()
    (tmp_path / "model.safetensors").write_bytes(b"two")
    assert digest() != before


@pytest.mark.parametrize(("section", "field"), stages.PATHS)
def test_every_setting_that_names_a_folder_exists(section: str, field: str):
    assert field in type(getattr(Config(), section)).model_fields
