"""Tracking against a real MLflow store on SQLite."""

from __future__ import annotations

import subprocess
import sys

import pytest

from entp import params
from entp.errors import SetupError
from entp.store import Summary
from entp.track.client import open_client, tracking_uri
from entp.track.mlflow_tracker import metric_name
from entp.track.run import open_run
from tests.datasets import publish, sample
from tests.mlflow_store import INJECTED, put_empty_store


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    """No run or server injected from outside, and an empty store."""
    for name in INJECTED:
        monkeypatch.delenv(name, raising=False)
    put_empty_store(tmp_path)


def logged(output, *overrides, metrics=None):
    """Log one run into `output`; its id."""
    settings = params.load(None, overrides)
    output.mkdir(parents=True, exist_ok=True)
    with open_run(settings, output) as tracker:
        tracker.log_config(settings)
        tracker.log_summary(Summary("mix", metrics or {"accepted_ratio": 0.25}, ("A note.",)))
    return tracker.run_id


def stored(output):
    client = open_client(tracking_uri(params.load(), output))
    experiment = client.get_experiment_by_name("entp").experiment_id
    return {run.info.run_id: run for run in client.search_runs([experiment])}


def test_two_runs_with_other_parameters_stand_side_by_side(tmp_path):
    one = logged(tmp_path / "one", metrics={"accepted_ratio": 0.2})
    two = logged(tmp_path / "two", "mix.max_pairs=3", metrics={"accepted_ratio": 0.4})
    runs = stored(tmp_path / "one")
    assert [runs[name].data.params["mix.max_pairs"] for name in (one, two)] == ["None", "3"]
    assert [runs[name].data.metrics["mix/accepted_ratio"] for name in (one, two)] == [0.2, 0.4]
    assert runs[one].data.tags["note.mix"] == "A note."
    assert runs[one].info.status == "FINISHED"


def test_going_on_with_a_run_resumes_it_and_other_parameters_open_a_new_one(tmp_path):
    first = logged(tmp_path / "run")
    assert logged(tmp_path / "run") == first
    assert logged(tmp_path / "run", "mix.max_pairs=3") != first


def test_a_setting_that_changes_no_result_goes_on_with_the_same_run(tmp_path):
    first = logged(tmp_path / "run")
    assert logged(tmp_path / "run", "llm.concurrency=3") == first


def test_an_injected_run_is_adopted_and_not_ended(tmp_path, monkeypatch):
    uri = tracking_uri(params.load(), tmp_path / "run")
    client = open_client(uri)
    injected = client.create_run(client.create_experiment("kubeflow")).info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", injected)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert logged(tmp_path / "run") == injected
    assert client.get_run(injected).info.status == "RUNNING"
    assert client.get_run(injected).data.metrics["mix/accepted_ratio"] == 0.25


def test_a_pipeline_that_fails_ends_its_run_as_failed(tmp_path):
    (tmp_path / "run").mkdir()
    with pytest.raises(RuntimeError), open_run(params.load(), tmp_path / "run"):
        raise RuntimeError
    assert [run.info.status for run in stored(tmp_path / "run").values()] == ["FAILED"]


def test_a_child_is_nested_ends_as_its_body_does_and_is_taken_up_again(tmp_path):
    with open_run(params.load(), tmp_path / "run") as parent:
        with pytest.raises(RuntimeError), parent.child("the judge's") as child:
            raise RuntimeError
        failed = stored(tmp_path / "run")[child.run_id]
        with parent.child("the judge's") as again:
            running = stored(tmp_path / "run")[again.run_id]
        finished = stored(tmp_path / "run")[again.run_id]
    assert child.run_id == again.run_id != parent.run_id
    assert failed.data.tags["mlflow.parentRunId"] == parent.run_id
    assert [run.info.status for run in (failed, running, finished)] == ["FAILED", "RUNNING", "FINISHED"]


def test_datasets_and_artifacts_are_attached(tmp_path):
    output = tmp_path / "run"
    publish(output, "purge", samples=[sample("Name a fish.", "A trout.")])
    (output / "report.html").write_text("<html>")
    with open_run(params.load(), output) as tracker:
        tracker.log_dataset(output / "purge", "purge")
        tracker.log_artifact(output / "report.html")
    [run] = stored(output).values()
    assert [entry.dataset.name for entry in run.inputs.dataset_inputs] == ["purge"]
    assert [artifact.path for artifact in tracker.client.list_artifacts(run.info.run_id)] == ["report.html"]


def test_tracking_can_be_switched_off(tmp_path):
    with open_run(params.load(None, ["track.uri=none"]), tmp_path / "run") as tracker:
        tracker.log_summary(Summary("mix", {"accepted_ratio": 1.0}))
        assert tracker.describe() == {}
    assert not (tmp_path / "run").exists()


def test_a_server_that_is_down_is_named_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    settings = params.load(None, ["track.uri=http://127.0.0.1:9"])
    with pytest.raises(SetupError, match=r"http://127.0.0.1:9 cannot be used .* track.uri=none"):
        open_run(settings, tmp_path).__enter__()


def test_an_injected_run_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_RUN_ID", "abc123")
    with pytest.raises(SetupError, match="names run abc123"):
        logged(tmp_path / "run")


def test_an_interrupted_pipeline_ends_its_run_as_killed_and_may_go_on(tmp_path):
    settings = params.load()
    with pytest.raises(KeyboardInterrupt), open_run(settings, tmp_path / "run") as tracker:
        raise KeyboardInterrupt
    assert stored(tmp_path / "run")[tracker.run_id].info.status == "KILLED"
    assert logged(tmp_path / "run") == tracker.run_id
    assert stored(tmp_path / "run")[tracker.run_id].info.status == "FINISHED"


def test_a_failure_of_mlflow_itself_is_told_as_such(tmp_path):
    with pytest.raises(SetupError, match="cannot be used"), open_run(params.load(), tmp_path / "run") as tracker:
        tracker.client.get_run("0" * 32)


def test_a_long_value_is_cut_and_a_password_is_never_logged(tmp_path):
    overrides = ["llm.model=http://me:secret@host/v1", f"ingest.source_column={'x' * 900}"]
    run_id = logged(tmp_path / "run", *overrides)
    params = stored(tmp_path / "run")[run_id].data.params
    assert params["llm.model"] == "http://***@host/v1"
    assert len(params["ingest.source_column"]) == 500


def test_a_metric_name_keeps_only_what_mlflow_allows():
    assert metric_name("purge", "rule/half-width (zh)") == "purge/rule/half-width _zh_"


@pytest.mark.parametrize(
    ("imported", "unwanted"),
    [
        ("entp.track.run", "mlflow"),  # it takes seconds
        ("entp.mix.stage", "entp.track.run"),  # or a change of the tracker would make all fusions stale
    ],
)
def test_what_tracks_costs_nothing_where_nothing_is_tracked(imported, unwanted):
    script = f"import sys, {imported}; sys.exit({unwanted!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_more_metrics_than_mlflow_takes_at_once_are_all_logged(tmp_path):
    """A pool may have a thousand sources, each with a metric of some stage."""
    metrics = {f"score/site-{number}": float(number) for number in range(1200)}
    run = logged(tmp_path / "run", metrics=metrics)
    kept = stored(tmp_path / "run")[run].data.metrics
    assert {name: value for name, value in kept.items() if name.startswith("mix/score")} == {
        f"mix/{name}": value for name, value in metrics.items()
    }
