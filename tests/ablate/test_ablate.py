"""The whole comparison on a small pool: budget, shared requests, what MLflow holds, and going on."""

from __future__ import annotations

import polars as pl
import pytest

from entp import params, store
from entp.ablate.command import ablate
from entp.errors import DataError, UsageError
from entp.track.client import open_client
from tests.fake_backend import FakeBackend
from tests.mix.pairs import ANSWER, MERGED, Script
from tests.mlflow_store import INJECTED, put_empty_store
from tests.pair.test_stage import pool

VARIANTS = ["no_answer_cycle", "random_pairs", "one_shot"]


@pytest.fixture
def play(monkeypatch, tmp_path):
    """Runs the comparison on a scripted model; returns the requests that reached it."""
    for name in INJECTED:
        monkeypatch.delenv(name, raising=False)
    put_empty_store(tmp_path)
    pool(tmp_path / "run", low=40)

    def played(**budget):
        backend = FakeBackend(Script([MERGED], [ANSWER]))
        monkeypatch.setattr("entp.llm.session.open_backend", lambda _: backend)
        settings = params.load(None, ["mix.accept_loss=3"])
        ablate(settings, VARIANTS, budget.get("pairs"), budget.get("calls"), tmp_path / "run")
        return backend.seen

    return played


def test_every_variant_is_a_row_a_dataset_and_a_nested_run(play, tmp_path):
    play(pairs=4)
    table = pl.read_csv(tmp_path / "run/ablate/comparison.csv")
    assert table["variant"].to_list() == ["entp", *VARIANTS]
    assert table["pairs"].to_list() == [4] * 4
    assert (tmp_path / "run/ablate/comparison.svg").read_text().count("one_shot")

    client = open_client(f"sqlite:///{tmp_path / 'mlflow.db'}")
    runs = client.search_runs(["1"])
    [parent] = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = {run.info.run_name: run for run in runs if run is not parent}
    assert parent.info.run_name == "run-ablate"
    assert set(children) == {"entp", *VARIANTS}
    assert children["random_pairs"].data.params["pair.strategy"] == "random"
    assert children["one_shot"].data.metrics["ablate/calls_per_pair"] == 5
    assert {artifact.path for artifact in client.list_artifacts(parent.info.run_id)} == {
        "comparison.csv",
        "comparison.svg",
    }


def test_what_two_variants_both_ask_is_asked_once_and_nothing_again(play, tmp_path):
    first = play(pairs=4)
    calls = sum(
        store.read_summary(tmp_path / f"run/ablate/mix-{name}").metrics["requests"] for name in ("entp", *VARIANTS)
    )
    assert len(first) < calls
    assert play(pairs=4) == []


def test_at_a_budget_of_calls_the_cheaper_method_works_on_more_pairs(play, tmp_path):
    play(calls=40)
    table = dict(pl.read_csv(tmp_path / "run/ablate/comparison.csv").select("variant", "pairs").iter_rows())
    assert table["one_shot"] > table["entp"]


def test_a_budget_and_a_curated_pool_are_needed(play, tmp_path):
    with pytest.raises(UsageError, match="--pairs N or --calls N"):
        play()
    with pytest.raises(DataError, match="until curate"):
        ablate(params.load(), [], 4, None, tmp_path / "empty")
