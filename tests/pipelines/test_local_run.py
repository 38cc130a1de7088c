"""The compiled pipelines under Kubeflow Pipelines' own local orchestrator, every container really run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from kfp import compiler

from entp.platform.profiles import load_profile
from entp.track.client import open_client
from pipelines.purge_mix_sft import purge_mix_sft
from tests.mlflow_store import put_empty_store
from tests.pipelines.compiled import compiled_folder
from tests.pipelines.local_kfp import Launcher, PipelineError, as_process, in_image, run_pipeline
from tests.pipelines.small_run import LENIENT, STRICT, arguments, environment

DATA_STEPS = ["fetch", "ingest", "purge", "rate", "curate", "pair", "mix", "assemble"]
pytestmark = pytest.mark.model


def launcher(folder: Path) -> Launcher:
    """Processes, or containers of the image that ENTP_TEST_IMAGE names."""
    image = os.environ.get("ENTP_TEST_IMAGE")
    return in_image(image, folder) if image else as_process


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Artifacts, cache, and MLflow store of all runs of this file."""
    folder = tmp_path_factory.mktemp("kubeflow")
    put_empty_store(folder)
    (folder / "artifacts").mkdir()
    for path in (folder, *folder.iterdir()):
        path.chmod(0o777)  # a container's user is another one
    return folder


@pytest.fixture(scope="module")
def run(folder):
    """Run a pipeline: (name of the run, settings) -> the steps whose containers ran."""

    def start(
        name: str, *settings: str, pipeline: str = "purge_mix_sft", package: Path | None = None, **others: object
    ) -> list[str]:
        where = environment(folder, name)
        given = {**arguments(*settings), **others}
        if pipeline == "compare":
            del given["gate"]
        with pytest.MonkeyPatch.context() as monkeypatch:
            file = package or compiled_folder() / "cpu" / f"{pipeline}.yaml"
            return run_pipeline(file, given, folder, where, monkeypatch, launcher(folder))

    return start


@pytest.fixture(scope="module")
def keeping(run):
    """A run whose gate nothing passes."""
    return run("keeping", STRICT)


@pytest.fixture(scope="module")
def promoting(keeping, run):  # noqa: ARG001
    """The same run again with a gate that any gain passes."""
    return run("promoting", LENIENT)


def mlflow_run(folder: Path, name: str):
    client = open_client(f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name("entp").experiment_id
    [run] = client.search_runs([experiment], f"tags.`entp.pipeline_run` = '{name}'")
    return run


def test_every_step_runs_once_and_the_exit_handler_last(keeping):
    assert keeping[:8] == DATA_STEPS
    assert sorted(keeping) == sorted([*DATA_STEPS, "report", "push", "train", "evaluate", "gate", "report", "finish"])
    assert keeping[-1] == "finish"


def test_a_model_that_does_not_pass_the_gate_is_not_promoted(keeping, folder):
    assert not {"approve", "promote"} & set(keeping)
    assert mlflow_run(folder, "keeping").data.metrics["gate/promoted"] == 0.0


def test_all_steps_log_to_one_finished_mlflow_run(keeping, folder):
    run = mlflow_run(folder, "keeping")
    assert keeping
    assert run.info.status == "FINISHED"
    assert {"purge/kept_ratio", "mix/pairs", "train/loss_last", "evaluate/entp_instructions", "gate/gain"} <= set(
        run.data.metrics
    )
    assert run.data.params["mix.max_pairs"] == "1"


def test_what_has_not_changed_is_not_run_again(promoting):
    assert sorted(promoting) == ["approve", "finish", "gate", "promote", "push", "report", "report"]


def test_a_model_that_passes_the_gate_becomes_champion(promoting, folder):
    client = open_client(f"sqlite:///{folder}/mlflow.db")
    assert promoting
    assert str(client.get_model_version_by_alias("entp-sft", "champion").version) == "1"
    assert mlflow_run(folder, "promoting").data.metrics["gate/promoted"] == 1.0


def test_cached_steps_are_in_the_new_mlflow_run_too(promoting, folder):
    run = mlflow_run(folder, "promoting")
    assert promoting
    assert run.info.status == "FINISHED"
    assert run.data.metrics["purge/kept_ratio"] == mlflow_run(folder, "keeping").data.metrics["purge/kept_ratio"]


def test_a_step_that_fails_ends_the_run_after_the_exit_handler(run, folder, impatient):
    with pytest.raises(PipelineError) as failure:
        run("failing", "purge.min_kept_ratio=1.0", package=impatient)
    assert failure.value.steps[-2:] == ["purge", "finish"]
    assert mlflow_run(folder, "failing").info.status == "FAILED"


@pytest.fixture
def impatient(tmp_path):
    """The pipeline compiled without retries, which come minutes apart."""
    profile = load_profile("cpu")
    work = {kind: work.model_copy(update={"retries": 0}) for kind, work in profile.work.items()}
    package = tmp_path / "purge_mix_sft.yaml"
    compiler.Compiler().compile(purge_mix_sft(profile.model_copy(update={"work": work})), str(package))
    return package


def test_a_comparison_runs_a_cell_per_method_and_seed_on_one_curated_pool(promoting, run, folder):
    methods = [
        {"name": "entp", "settings": []},
        {"name": "fewer", "settings": ["assemble.max_rows=8"]},
        {"name": "chance", "settings": [], "selector": "random"},
    ]
    steps = run("comparing", pipeline="compare", methods=methods, seeds=[1], rows=8, held_out=8)
    assert promoting
    assert sorted(steps) == ["cell", "cell", "cell", "comparison", "finish", "grid"]
    parent = mlflow_run(folder, "comparing")
    assert parent.info.status == "FINISHED"
    client = open_client(f"sqlite:///{folder}/mlflow.db")
    cells = client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    assert {cell.info.run_name: cell.data.params["assemble.max_rows"] for cell in cells} == {
        "entp-seed1": "16",
        "fewer-seed1": "8",
        "chance-seed1": "16",
    }
    [chosen] = [cell.data.metrics for cell in cells if cell.info.run_name == "chance-seed1"]
    assert chosen["cell/rows"] == 8
    assert chosen["compare/held_out"] > 0
    [table] = (folder / "artifacts").glob("entp-compare-*/comparison/table")
    assert [line.split("|")[1].strip() for line in table.read_text().splitlines()[2:]] == ["entp", "fewer", "chance"]
