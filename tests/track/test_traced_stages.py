"""Wherever a finished stage `mix` is logged, its pairs become traces: the real stage, with a scripted model."""

from __future__ import annotations

import os

import pytest

from entp import params, shell
from entp.platform import step, tracking
from entp.platform.report_step import run_report
from entp.stages import stage_named
from entp.track.client import open_client
from entp.track.spans import SPANS_FILE
from tests.fake_backend import FakeBackend
from tests.finished_run import publish_run
from tests.mix.pairs import ANSWER, MERGED, Script
from tests.mlflow_store import INJECTED, put_empty_store

PARENTS = ("purge", "curate", "pair")


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    """No run, server or cache injected from outside, and an empty store."""
    for name in (*INJECTED, "ENTP_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    put_empty_store(tmp_path)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run up to `pair` and beyond, whose model answers by a script."""
    monkeypatch.setattr("entp.llm.session.open_backend", lambda _: FakeBackend(Script([MERGED], [ANSWER])))
    return publish_run(tmp_path / "run")


def traces(folder):
    """Every trace in the store, as run id and names of its operators."""
    client = open_client(f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name("entp").experiment_id
    found = client.search_traces(locations=[experiment])
    return [(trace.info.trace_metadata["mlflow.sourceRun"], operators(trace)) for trace in found]


def operators(trace):
    return [span.name for span in trace.data.spans if span.parent_id]


def test_a_run_logs_traces_and_its_report_adds_none(run, tmp_path):
    shell.run_and_show(params.load(), [], run, "mix", "mix")
    [(_, names)] = traces(tmp_path)
    assert names[:3] == ["DA", "DA", "MCG"]
    shell.report_and_show(params.load(), run)
    assert len(traces(tmp_path)) == 1


@pytest.fixture
def pod(tmp_path, monkeypatch):
    """Become a pod of the pipeline run of that name."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("MLFLOW_RUN_ID", "")  # so that what a step sets is taken back after the test
    monkeypatch.setenv("ENTP_CACHE_DIR", str(tmp_path / "volume"))

    def become(pipeline_run: str) -> None:
        os.environ.pop("MLFLOW_RUN_ID", None)
        monkeypatch.setenv(tracking.PIPELINE_RUN, pipeline_run)

    return become


def report(run, tmp_path, mixed):
    tracking.adopt_run(params.load())
    datasets = {name: run / name for name in ("ingest", *PARENTS)} | {"mix": mixed}
    run_report(params.load(), datasets, tmp_path / "page" / "report.html", tmp_path / "page" / "summary.md")


def test_a_pipeline_step_logs_traces_and_the_report_step_adds_none(run, pod, tmp_path):
    pod("run-1")
    mixed = tmp_path / "artifacts" / "mixed"
    outcome = step.run_step(stage_named("mix"), params.load(), {name: run / name for name in PARENTS}, {}, mixed)
    tracking.log_if_reachable(params.load(), outcome, mixed)
    assert len(traces(tmp_path)) == 1
    pod("run-1")
    report(run, tmp_path, mixed)
    assert len(traces(tmp_path)) == 1


def test_a_cached_step_is_traced_in_the_run_that_did_without_it(run, pod, tmp_path):
    """The artifact brings the spans along; its volume of caches may be gone."""
    mixed = tmp_path / "artifacts" / "mixed"
    step.run_step(stage_named("mix"), params.load(), {name: run / name for name in PARENTS}, {}, mixed)
    assert (mixed / SPANS_FILE).is_file()
    pod("run-2")
    report(run, tmp_path, mixed)
    [(run_id, names)] = traces(tmp_path)
    assert run_id == os.environ["MLFLOW_RUN_ID"]
    assert names[:3] == ["DA", "DA", "MCG"]
