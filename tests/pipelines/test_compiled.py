"""What `entp pipelines compile` writes."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
import yaml

from entp import config
from entp.stages import DATA_STAGES, STAGES, sections_of
from pipelines.compile import compile_one
from tests.pipelines.compiled import IR_FILES, NATIVE_FILES, compiled_folder

EVERY = pytest.mark.parametrize("name", IR_FILES)


@cache
def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.load_all((compiled_folder() / name).read_text(), Loader=yaml.CSafeLoader))


def executors(name: str) -> dict[str, dict[str, Any]]:
    """Container of every task, by executor name."""
    spec = documents(name)[0]
    return {task: entry["container"] for task, entry in spec["deploymentSpec"]["executors"].items()}


def platform(name: str) -> dict[str, dict[str, Any]]:
    """Kubernetes settings of every task, by executor name."""
    entries = documents(name)[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return dict(entries)


def test_every_pipeline_is_compiled_for_every_profile():
    written = {str(path.relative_to(compiled_folder())) for path in compiled_folder().rglob("*.yaml")}
    assert written == {*IR_FILES, *NATIVE_FILES}


def test_compiling_again_gives_the_same_bytes():
    assert compile_one("purge_mix_sft", "cpu") == (compiled_folder() / "cpu/purge_mix_sft.yaml").read_text()


@pytest.mark.parametrize(("pipeline", "stages"), [("data_only", DATA_STAGES), ("purge_mix_sft", STAGES)])
def test_a_pipeline_has_every_stage_and_every_section_that_they_read(pipeline, stages):
    spec = documents(f"cpu/{pipeline}.yaml")[0]
    assert {stage.name for stage in stages} <= {
        name.removeprefix("exec-") for name in executors(f"cpu/{pipeline}.yaml")
    }
    assert set(sections_of(stages)) <= set(spec["root"]["inputDefinitions"]["parameters"])


@EVERY
def test_every_task_runs_as_a_numeric_user_that_is_not_root(name):
    for task, settings in platform(name).items():
        assert int(settings["securityContext"]["runAsUser"]) > 0, task
        assert settings["securityContext"]["runAsNonRoot"] is True, task


@EVERY
def test_every_task_is_limited_in_time_and_resources(name):
    for task, container in executors(name).items():
        assert {"resourceCpuLimit", "resourceMemoryLimit"} <= set(container["resources"]), task
        assert int(platform(name)[task]["activeDeadlineSeconds"]) > 0, task


@EVERY
def test_a_task_on_a_gpu_asks_for_its_pool_and_shared_memory(name):
    settings = platform(name)
    for task, container in executors(name).items():
        asks = "accelerator" in container["resources"]
        assert bool(settings[task].get("nodeSelector")) == asks
        if asks:
            assert [mount["medium"] for mount in settings[task]["emptyDirMounts"] if mount["mountPath"] == "/dev/shm"]
            assert "entp/gpu:" in container["image"]


@EVERY
def test_nothing_secret_and_no_run_of_tracking_is_an_argument(name):
    text = (compiled_folder() / name).read_text()
    assert not re.search(r"AWS_SECRET_ACCESS_KEY=|OPENAI_API_KEY=|mlflow_run_id|MLFLOW_RUN_ID", text)


@EVERY
def test_the_default_parameters_are_a_valid_configuration(name):
    inputs = documents(name)[0]["root"]["inputDefinitions"]["parameters"]
    sections = {key: entry["defaultValue"] for key, entry in inputs.items() if key in config.Config.model_fields}
    assert {"seed", "purge", "rate", "mix"} <= set(sections)
    config.Config.model_validate(sections)


@EVERY
def test_steps_with_side_effects_are_never_cached(name):
    cached = {}
    for dag in [documents(name)[0]["root"], *documents(name)[0]["components"].values()]:
        for step, task in dag.get("dag", {}).get("tasks", {}).items():
            cached[step] = bool(task.get("cachingOptions", {}).get("enableCache"))
    never = {"finish", "report", "data-report", "gate", "approve", "promote", "grid", "comparison"}
    assert not any(cached[step] for step in never & set(cached))
    assert all(cached[step] for step in ("ingest", "purge", "rate", "curate"))


@pytest.mark.parametrize("name", NATIVE_FILES)
def test_a_pipeline_version_is_named_by_its_content(name):
    pipeline, version = documents(name)
    assert re.fullmatch(rf"{pipeline['metadata']['name']}-[0-9a-f]{{12}}", version["metadata"]["name"])
    assert version["spec"]["pipelineName"] == pipeline["metadata"]["name"]
