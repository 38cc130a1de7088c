"""The stage from published pairs to published fusions: one row per pair, budgets, failures, a killed run."""

from __future__ import annotations

import json
import sqlite3

import pytest

from entp import store
from entp.audit.audit import Audit
from entp.errors import DataError, UsageError
from entp.llm.client import Reply
from entp.mix import stage
from entp.mix.audited import Audited
from entp.records import FUSION_STATUSES
from tests.datasets import publish, publish_pairs, sample
from tests.fake_backend import FakeBackend
from tests.mix.pairs import ANSWER, BEACH, FRUITS, MERGED, Script, with_mix

COUNT = 6


@pytest.fixture
def inputs(tmp_path):
    """Six pairs of the same two kinds of parents."""
    rows = [sample(parent.prompt, f"{parent.response} {n}") for n in range(COUNT) for parent in (FRUITS, BEACH)]
    publish_pairs(tmp_path, rows)
    return {name: tmp_path / name for name in ("purge", "curate", "pair")}


@pytest.fixture(autouse=True)
def unaudited(request, monkeypatch):
    """The scripted model fuses all pairs into one and the same sample, which the audit (test_audited.py) turns down."""
    if request.node.get_closest_marker("model") is None:
        monkeypatch.setattr("entp.mix.stage.audited", lambda _, fusions, *__: Audited(fusions, Audit([], []), ()))


def run(monkeypatch, inputs, output, answer, **mix):
    backend = FakeBackend(answer)
    monkeypatch.setattr("entp.llm.session.open_backend", lambda _: backend)
    summary = stage.run(with_mix(**mix), inputs, output)
    return summary, store.read(output, "fusions"), backend.seen


def good():
    return Script([MERGED], [ANSWER])


def test_every_pair_has_one_row_in_order_and_the_numbers_add_up(monkeypatch, inputs, tmp_path):
    summary, rows, seen = run(monkeypatch, inputs, tmp_path / "mix", good())
    assert rows["pair_id"].to_list() == [f"pair{n:04d}" for n in range(COUNT)]
    assert sum(summary.metrics[status] for status in FUSION_STATUSES) == summary.metrics["pairs"] == COUNT
    assert summary.metrics["requests"] == rows["calls"].sum() >= len(seen)
    assert summary.metrics["accepted_ratio"] == 1.0


def test_pairs_beyond_the_budget_are_rows_too(monkeypatch, inputs, tmp_path):
    summary, rows, _ = run(monkeypatch, inputs, tmp_path / "mix", good(), max_pairs=2)
    assert rows["status"].to_list() == ["fused"] * 2 + ["over_budget"] * 4
    assert json.loads(rows["trace"][5])["decision"]["reason"] == "max_pairs"
    assert summary.metrics["reason/max_pairs"] == 4


@pytest.mark.parametrize("limit", [{"max_requests": 10}, {"max_tokens": 150}, {"max_cost": 0.02}])
def test_no_pair_starts_once_the_earliest_ones_have_spent_the_budget(monkeypatch, inputs, tmp_path, limit):
    """A pair takes 9 requests of 10 + 5 tokens; with two in flight, pair 3 is decided by pairs 0 to 1."""
    prices = {"price_in": 100.0, "price_out": 100.0}
    summary, rows, _ = run(monkeypatch, inputs, tmp_path / "mix", good(), in_flight=2, **limit, **prices)
    assert rows["status"].to_list() == ["fused"] * 3 + ["over_budget"] * 3
    assert summary.metrics["requests"] == 3 * 9
    [(name, value)] = limit.items()
    sentence = f"Not worked on: the budget mix.{name}={value} was spent."
    assert json.loads(rows["trace"][3])["decision"]["sentence"] == sentence


def test_a_budget_that_lets_no_pair_begin_is_an_error(monkeypatch, inputs, tmp_path):
    with pytest.raises(DataError, match=r"no pair was begun. .*mix.max_seconds=1e-09 was spent"):
        run(monkeypatch, inputs, tmp_path / "mix", good(), max_seconds=1e-9)


def test_nothing_accepted_is_a_note_and_not_a_failure(monkeypatch, inputs, tmp_path):
    summary, rows, _ = run(monkeypatch, inputs, tmp_path / "mix", Script(["Task 1"], [""], rewrite=""))
    assert set(rows["status"]) == {"rejected"}
    assert "none of 6 pairs was accepted with fake (loss_too_high 6)" in summary.notes[0]


def test_one_failed_pair_is_a_row_and_all_failed_is_an_error(monkeypatch, inputs, tmp_path):
    def first_one_down(request):
        down = "Oranges, lemons, limes. 0" in request.messages[-1]["content"]
        return Reply("failed", error="endpoint is down") if down else good()(request)

    _, rows, _ = run(monkeypatch, inputs, tmp_path / "mix", first_one_down)
    assert rows["status"].to_list() == ["failed"] + ["fused"] * 5
    with pytest.raises(DataError, match=r"all 6 pairs failed: 6 x .*endpoint is down"):
        run(monkeypatch, inputs, tmp_path / "other/mix", lambda _: Reply("failed", error="endpoint is down"))


class Killed(Exception):  # noqa: N818
    """What ends a run in the middle of a batch."""


def test_a_killed_run_goes_on_to_the_same_result_and_asks_nothing_twice(monkeypatch, inputs, tmp_path):
    _, whole, asked = run(monkeypatch, inputs, tmp_path / "whole/mix", good())
    answered = []

    def until_killed(request):
        if len(answered) == 17:
            raise Killed
        answered.append(request)
        return good()(request)

    with pytest.raises(Killed):
        run(monkeypatch, inputs, tmp_path / "killed/mix", until_killed)
    assert store.read_manifest(tmp_path / "killed/mix") is None
    _, resumed, _ = run(monkeypatch, inputs, tmp_path / "killed/mix", good())
    assert resumed.equals(whole)
    with sqlite3.connect(tmp_path / "killed/cache/requests.sqlite") as ledger:
        made, distinct = ledger.execute("SELECT count(*), count(DISTINCT digest) FROM ledger").fetchone()
    assert made == distinct == len(asked)


def test_two_runs_publish_the_same_bytes(monkeypatch, inputs, tmp_path):
    for name in ("one", "two"):
        run(monkeypatch, inputs, tmp_path / name / "mix", good())
    one, two = (store.read_manifest(tmp_path / name / "mix")["contents"] for name in ("one", "two"))
    assert one == two


def test_the_loss_curve_of_the_summary_never_rises(monkeypatch, inputs, tmp_path):
    script = Script(["Name three citrus fruits.", "Describe a beach.", MERGED], ["Oranges.", ANSWER])
    summary, _, _ = run(monkeypatch, inputs, tmp_path / "mix", script)
    curve = [value for name, value in summary.metrics.items() if name.startswith("loss/iteration_")]
    assert curve == sorted(curve, reverse=True)
    assert (curve[0], curve[-1]) == (summary.metrics["loss_first"], summary.metrics["loss_last"])


def test_a_context_too_short_for_the_replies_is_a_usage_error(monkeypatch, inputs, tmp_path):
    with pytest.raises(UsageError, match=r"llm\.max_context=2048 leaves"):
        run(monkeypatch, inputs, tmp_path / "mix", good(), max_answer_tokens=1800)


def test_long_parents_are_cut_to_the_context(monkeypatch, inputs, tmp_path):
    rows = store.read(inputs["purge"], "samples").to_dicts()
    for row in rows:
        row["messages"][0]["content"] += " and so on" * 5000
    publish(tmp_path, "purge", samples=rows)
    _, _, seen = run(monkeypatch, inputs, tmp_path / "mix", good(), max_pairs=1)
    assert max(sum(len(turn["content"]) for turn in request.messages) for request in seen) < 2048 * 4


@pytest.mark.model
def test_the_embedded_model_fuses_two_pairs_with_a_falling_loss_and_a_story(inputs, tmp_path):
    stage.run(with_mix(max_pairs=2, instruction_tries=2), inputs, tmp_path / "mix")
    worked = store.read(tmp_path / "mix", "fusions").head(2)
    assert (worked["loss_last"] <= worked["loss_first"]).all()
    for trace in worked["trace"]:
        story = json.loads(trace)
        assert story["model"].startswith("smollm2-135m-instruct")
        assert {"DA", "MCG", "ICD", "FAC", "RATE"} <= {step["operator"] for step in story["steps"]}
