"""The MLflow run that the steps of a pipeline run share, on a real store."""

from __future__ import annotations

import os

import pytest

from entp import params
from entp.errors import DataError, SetupError
from entp.gate.stage import promote_held
from entp.loop import Outcome
from entp.platform import approval, tracking
from entp.store import Summary
from entp.track.client import OFF, open_client
from tests.gate.test_stage import STRONG, WEAK, champion_of, gated
from tests.mlflow_store import INJECTED, put_empty_store


@pytest.fixture(autouse=True)
def pod(tmp_path, monkeypatch):
    """A pod of pipeline run `run-1`, with a tracking server."""
    for name in INJECTED:
        monkeypatch.delenv(name, raising=False)
    put_empty_store(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv(tracking.PIPELINE_RUN, "run-1")
    monkeypatch.setenv("MLFLOW_RUN_ID", "")  # so that what a step sets is taken back after the test
    monkeypatch.delenv("MLFLOW_RUN_ID")


@pytest.fixture
def next_pod():
    """Forget what the process was told: what comes next is another step."""
    return lambda: os.environ.pop("MLFLOW_RUN_ID", None)


def runs(tmp_path):
    client = open_client(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.get_experiment_by_name("entp")
    return list(client.search_runs([experiment.experiment_id])) if experiment else []


def test_all_pods_of_a_pipeline_run_log_to_one_mlflow_run(tmp_path, next_pod):
    for stage in ("ingest", "purge"):
        next_pod()
        outcome = Outcome(stage, False, 1.0, Summary(stage, {"kept": 3.0}))
        tracking.log_if_reachable(params.load(), outcome, tmp_path / stage)
    [run] = runs(tmp_path)
    assert (run.data.metrics["ingest/kept"], run.data.metrics["purge/kept"]) == (3.0, 3.0)


def test_another_pipeline_run_has_another_mlflow_run(tmp_path, next_pod, monkeypatch):
    tracking.adopt_run(params.load())
    next_pod()
    monkeypatch.setenv(tracking.PIPELINE_RUN, "run-2")
    tracking.adopt_run(params.load())
    assert len(runs(tmp_path)) == 2


def test_a_tracking_server_that_is_down_does_not_cost_the_step(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    outcome = Outcome("purge", False, 1.0, Summary("purge", {"kept": 3.0}))
    tracking.log_if_reachable(params.load(), outcome, tmp_path / "purge")
    assert "the report step will" in " ".join(capsys.readouterr().err.split())


def test_without_a_server_a_pod_tracks_nothing(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert tracking.settings_for_step(params.load()).track.uri == OFF


@pytest.mark.parametrize(("complete", "status"), [(True, "FINISHED"), (False, "FAILED")])
def test_the_exit_handler_ends_the_run_by_how_far_it_came(tmp_path, next_pod, complete, status):
    tracking.mark_complete(params.load(), complete)
    next_pod()
    assert tracking.finish(params.load()) == status
    assert [run.info.status for run in runs(tmp_path)] == [status]


def test_an_injected_run_is_left_for_its_owner_to_end(monkeypatch):
    monkeypatch.setenv("MLFLOW_RUN_ID", "somebody-elses")
    assert tracking.finish(params.load()) == "nothing to end"


def say(tmp_path, answer: str) -> None:
    """What a person does in the MLflow UI."""
    client = open_client(f"sqlite:///{tmp_path}/mlflow.db")
    [run] = runs(tmp_path)
    client.set_tag(run.info.run_id, approval.TAG, answer)


@pytest.mark.parametrize("answer", [approval.APPROVED, approval.REJECTED])
def test_the_pipeline_waits_for_an_answer_in_mlflow(tmp_path, answer):
    waited = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            say(tmp_path, f" {answer.title()} ")

    assert approval.wait_for_approval(params.load(), 1.0, sleep) == answer
    assert len(waited) == 2


def test_an_answer_that_never_comes_expires(tmp_path):
    assert approval.wait_for_approval(params.load(), 0.0) == approval.EXPIRED
    assert runs(tmp_path)[0].data.tags[approval.TAG] == approval.EXPIRED


def test_approval_needs_a_tracking_server():
    with pytest.raises(SetupError, match="MLFLOW_TRACKING_URI"):
        approval.wait_for_approval(params.load(None, ["track.uri=none"]), 1.0)


def test_a_held_model_is_promoted_by_a_later_step(tmp_path):
    output = tmp_path / "run"
    summary = gated(output, WEAK, STRONG, "gate.hold=true")
    assert (summary.metrics["passed"], summary.metrics["promoted"]) == (1.0, 0.0)
    assert summary.notes[0].startswith("Passed, and held")
    assert promote_held(params.load(), output / "train", output / "evaluate", output / "gate") == "1"
    assert champion_of(output) == "1"


def test_a_held_model_is_not_promoted_over_a_champion_it_was_not_compared_with(tmp_path):
    held = tmp_path / "held"
    gated(held, WEAK, STRONG, "gate.hold=true")
    gated(tmp_path / "other", WEAK, STRONG, weights="other")
    with pytest.raises(DataError, match="champion version 1 is champion now"):
        promote_held(params.load(), held / "train", held / "evaluate", held / "gate")


def test_a_model_that_the_gate_refused_is_not_promoted(tmp_path):
    output = tmp_path / "run"
    gated(output, STRONG, WEAK, "gate.hold=true")
    with pytest.raises(DataError, match="did not pass"):
        promote_held(params.load(), output / "train", output / "evaluate", output / "gate")
