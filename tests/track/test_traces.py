"""The stage `mix` in MLflow's traces, on a real SQLite store and through a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from entp import params
from entp.track.mlflow_tracker import MlflowTracker
from entp.track.run import open_run
from tests.mlflow_store import INJECTED, put_empty_store
from tests.track.mlflow_server import mlflow_server
from tests.track.two_pairs import BEGIN, failed, fused, leave, write


@pytest.fixture(scope="module", params=["store", "server"])
def uri(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    if request.param == "server":
        with mlflow_server(folder) as address:
            yield address
    else:
        put_empty_store(folder)
        yield f"sqlite:///{folder}/mlflow.db"


@pytest.fixture(autouse=True)
def nothing_injected(monkeypatch):
    for name in INJECTED:
        monkeypatch.delenv(name, raising=False)


def logged(mix: Path, *overrides: str) -> MlflowTracker:
    """Log the dataset's traces to the run of its folder."""
    with open_run(params.load(None, overrides), mix.parent) as tracker:
        tracker.log_traces(mix)
    assert isinstance(tracker, MlflowTracker)
    return tracker


def traces(tracker):
    """The run's traces by pair."""
    experiment = tracker.client.get_run(tracker.run_id).info.experiment_id
    found = tracker.client.search_traces(locations=[experiment], run_id=tracker.run_id)
    by_pair = {trace.info.tags["entp.pair_id"]: trace for trace in found}
    assert len(by_pair) == len(found), "a pair has two traces"
    return by_pair


def at(seconds: float) -> int:
    """Nanoseconds since 1970."""
    return round((BEGIN + seconds) * 1e9)


def test_a_pair_is_a_trace_of_the_run_and_its_operators_are_spans(uri, tmp_path):
    found = traces(logged(leave(tmp_path, fused(), failed()), f"track.uri={uri}"))
    root, *operators = found["feed01"].data.spans
    assert (root.name, root.parent_id, root.start_time_ns, root.end_time_ns) == ("fuse pair", None, at(0), at(4.5))
    assert root.inputs["parent_b"] == fused()["parents"][1]
    assert root.outputs["messages"] == fused()["messages"]
    assert {span.parent_id for span in operators} == {root.span_id}
    assert [(span.name, span.span_type, span.start_time_ns, span.end_time_ns) for span in operators] == [
        ("DA", "LLM", at(0), at(1)),
        ("MCG", "LLM", at(1), at(2.5)),
        ("ICD", "EVALUATOR", at(2.5), at(3)),
        ("RATE", "EVALUATOR", at(3), at(4.5)),
    ]


def test_a_span_tells_what_the_operator_did_and_what_it_took(uri, tmp_path):
    found = traces(logged(leave(tmp_path, fused()), f"track.uri={uri}"))["feed01"]
    _, _, merge, check, _ = found.data.spans
    assert merge.outputs == {"text": "Water basil?"}
    assert (merge.get_attribute("template"), merge.get_attribute("iteration")) == ("merge_plain", 1)
    assert check.outputs == {"loss": 0.8, "terms": {"missing_terms_b": 0.6}, "heaviest": "missing_terms_b"}
    assert (check.get_attribute("loss"), check.get_attribute("kept")) == (0.8, True)
    assert merge.get_attribute("mlflow.chat.tokenUsage") == {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    assert found.info.token_usage == {"input_tokens": 40, "output_tokens": 20, "total_tokens": 60}


def test_a_trace_can_be_found_by_what_became_of_its_pair(uri, tmp_path):
    tracker = logged(leave(tmp_path, fused(), failed()), f"track.uri={uri}")
    experiment = tracker.client.get_run(tracker.run_id).info.experiment_id
    query = f"tags.`entp.status` = 'failed' AND metadata.`mlflow.sourceRun` = '{tracker.run_id}'"
    [info] = [trace.info for trace in tracker.client.search_traces(locations=[experiment], filter_string=query)]
    assert (info.tags["entp.pair_id"], info.tags["entp.stage"], info.state) == ("feed02", "mix", "ERROR")
    assert (info.request_time, info.execution_duration) == (at(1) // 1_000_000, 1000)
    assert info.response_preview == "failed: infrastructure"


def test_logging_again_adds_nothing_and_work_done_anew_replaces(uri, tmp_path):
    mix = leave(tmp_path, fused(), failed())
    first = traces(logged(mix, f"track.uri={uri}"))
    again = traces(logged(mix, f"track.uri={uri}"))
    assert {pair: trace.info.trace_id for pair, trace in again.items()} == {
        pair: trace.info.trace_id for pair, trace in first.items()
    }
    write(tmp_path, fused() | {"ended": BEGIN + 9}, failed())
    anew = traces(logged(mix, f"track.uri={uri}"))
    assert anew["feed01"].info.execution_duration == 9000
    assert anew["feed02"].info.trace_id == first["feed02"].info.trace_id


def test_another_run_of_the_same_pairs_has_its_own_traces(uri, tmp_path):
    mix = leave(tmp_path, fused())
    one = logged(mix, f"track.uri={uri}")
    two = logged(mix, f"track.uri={uri}", "mix.max_pairs=3")
    assert [len(traces(tracker)) for tracker in (one, two)] == [1, 1]


def test_no_traces_are_logged_where_none_are_wanted(uri, tmp_path):
    assert traces(logged(leave(tmp_path, fused()), f"track.uri={uri}", "track.traces=0")) == {}


def test_where_the_spans_are_gone_the_traces_stay_and_the_user_is_told(uri, tmp_path, capsys):
    mix = leave(tmp_path, fused())
    logged(mix, f"track.uri={uri}")
    (tmp_path / "cache" / "mix_spans.jsonl").unlink()
    assert len(traces(logged(mix, f"track.uri={uri}"))) == 1
    assert "no traces in MLflow" in capsys.readouterr().err


def test_a_store_that_keeps_no_traces_costs_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # the old kind of store, with folders and files
    tracker = logged(leave(tmp_path, fused()), f"track.uri={(tmp_path / 'mlruns').as_uri()}")
    assert tracker.client.get_run(tracker.run_id).info.status == "FINISHED"
    assert capsys.readouterr().err.split("\n") == ["  no traces in MLflow: this tracking store keeps none", ""]


def test_tracking_switched_off_is_silent(tmp_path, capsys):
    with open_run(params.load(None, ["track.uri=none"]), tmp_path) as tracker:
        tracker.log_traces(leave(tmp_path, fused()))
    assert capsys.readouterr().err == ""
