"""What is committed under pipelines/compiled."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from entp import config
from pipelines.compile import COMPILED, PIPELINES, compile_all
from tests.pipelines.local_kfp import ROOT

PACKAGES = sorted((ROOT / COMPILED).glob("*/*.yaml"))
IDS = [f"{path.parent.name}-{path.stem}" for path in PACKAGES]


@cache
def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader))


def executors(path) -> dict[str, dict[str, Any]]:
    """Container of every task, by executor name."""
    spec = documents(path)[0]
    return {name: entry["container"] for name, entry in spec["deploymentSpec"]["executors"].items()}


def platform(path) -> dict[str, dict[str, Any]]:
    """Kubernetes settings of every task, by executor name."""
    entries = documents(path)[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return dict(entries)


def test_every_pipeline_is_compiled_for_every_profile():
    assert set(IDS) == {f"{profile}-{name}" for profile in ("cpu", "gpu", "gpu-spot") for name in PIPELINES}


def test_the_compiled_files_are_current(tmp_path):
    for path in compile_all(tmp_path):
        committed = ROOT / COMPILED / path.relative_to(tmp_path)
        assert path.read_text() == committed.read_text(), f"{committed}: run `entp pipelines compile`"


@pytest.mark.parametrize("path", PACKAGES, ids=IDS)
def test_every_task_runs_as_a_numeric_user_that_is_not_root(path):
    for name, settings in platform(path).items():
        assert int(settings["securityContext"]["runAsUser"]) > 0, name
        assert settings["securityContext"]["runAsNonRoot"] is True, name


@pytest.mark.parametrize("path", PACKAGES, ids=IDS)
def test_every_task_is_limited_in_time_and_resources(path):
    for name, container in executors(path).items():
        assert {"resourceCpuLimit", "resourceMemoryLimit"} <= set(container["resources"]), name
        assert int(platform(path)[name]["activeDeadlineSeconds"]) > 0, name


@pytest.mark.parametrize("path", PACKAGES, ids=IDS)
def test_a_task_on_a_gpu_asks_for_its_pool_and_shared_memory(path):
    settings = platform(path)
    for name, container in executors(path).items():
        asks = "accelerator" in container["resources"]
        assert bool(settings[name].get("nodeSelector")) == asks
        if asks:
            assert [mount["medium"] for mount in settings[name]["emptyDirMounts"] if mount["mountPath"] == "/dev/shm"]
            assert "entp/gpu:" in container["image"]


@pytest.mark.parametrize("path", PACKAGES, ids=IDS)
def test_nothing_secret_and_no_run_of_tracking_is_an_argument(path):
    text = path.read_text()
    assert not re.search(r"AWS_SECRET_ACCESS_KEY=|OPENAI_API_KEY=|mlflow_run_id|MLFLOW_RUN_ID", text)


@pytest.mark.parametrize("path", PACKAGES, ids=IDS)
def test_the_default_parameters_are_a_valid_configuration(path):
    inputs = documents(path)[0]["root"]["inputDefinitions"]["parameters"]
    sections = {name: entry["defaultValue"] for name, entry in inputs.items() if name in config.Config.model_fields}
    assert {"seed", "purge", "rate", "mix"} <= set(sections)
    config.Config.model_validate(sections)


@pytest.mark.parametrize("path", PACKAGES, ids=IDS)
def test_steps_with_side_effects_are_never_cached(path):
    cached = {}
    for dag in [documents(path)[0]["root"], *documents(path)[0]["components"].values()]:
        for name, task in dag.get("dag", {}).get("tasks", {}).items():
            cached[name] = bool(task.get("cachingOptions", {}).get("enableCache"))
    never = {"finish", "report", "data-report", "gate", "approve", "promote", "grid", "comparison"}
    assert not any(cached[name] for name in never & set(cached))
    assert all(cached[name] for name in ("ingest", "purge", "rate", "curate"))


@pytest.mark.parametrize("path", sorted((ROOT / COMPILED).glob("*/kubernetes/*.yaml")))
def test_a_pipeline_version_is_named_by_its_content(path):
    pipeline, version = documents(path)
    assert re.fullmatch(rf"{pipeline['metadata']['name']}-[0-9a-f]{{12}}", version["metadata"]["name"])
    assert version["spec"]["pipelineName"] == pipeline["metadata"]["name"]
