from __future__ import annotations

import json

import polars as pl
import pytest

from entp import store
from entp.errors import DataError
from entp.llm.client import Choose, Reply
from entp.params import load
from entp.rate.stage import run
from entp.records import CRITERIA, RATING_CRITERIA, RATINGS, SAMPLES, content_id
from tests.fake_backend import FakeBackend
from tests.rate.conversations import conversation


def careful(request) -> Reply:
    """Prefers long answers, in both ways of asking."""
    if isinstance(request, Choose):
        digit = str(min(len(request.messages[0]["content"]) % 6, 5))
        return Reply("ok", probabilities={digit: 1.0}, answer_mass=0.8, tokens_in=10)
    length = len(request.continuation)
    return Reply("ok", logprob=-length if request.messages else -2 * length, tokens_scored=length, tokens_in=5)


def samples(count: int) -> pl.DataFrame:
    rows = []
    for index in range(count):
        messages = conversation(f"Question {index}?", "word " * (index + 1))
        rows.append((content_id(messages), f"source{index % 3}", messages, None, "en", "{}"))
    return pl.DataFrame(rows, schema=SAMPLES, orient="row").sort("id")


@pytest.fixture
def rate(tmp_path, monkeypatch):
    """Run the stage over a pool with a model that answers so; returns the output folder and the summary."""

    def run_stage(answer=careful, count=12, overrides=(), name="rate"):
        backend = FakeBackend(answer)
        monkeypatch.setattr("entp.llm.session.open_backend", lambda _: backend)
        monkeypatch.setenv("ENTP_CACHE_DIR", str(tmp_path / f"cache-{name}"))
        config = load(overrides=overrides)
        with store.publish(tmp_path / "purge", store.Identity("purge", {}, "", {})) as dataset:
            dataset.write("samples", samples(count), SAMPLES)
        output = tmp_path / name
        return output, run(config, {"purge": tmp_path / "purge"}, output), backend

    return run_stage


def test_every_rater_rates_every_sample_in_the_order_of_raters_and_samples(rate):
    output, _, _ = rate()
    ratings = store.read(output, "ratings")
    ids = samples(12)["id"].to_list()
    assert ratings.schema == RATINGS
    assert ratings["rater"].to_list() == ["likelihood"] * 12 + ["judge"] * 12
    assert ratings["id"].to_list() == ids * 2


def test_samples_over_the_budget_are_listed_and_never_asked_about(rate):
    output, summary, backend = rate(overrides=["rate.max_samples=6"])
    ratings = store.read(output, "ratings").filter(pl.col("rater") == "judge")
    assert ratings["status"].value_counts().sort("status").rows() == [("over_budget", 6), ("rated", 6)]
    assert len(backend.seen) == 6 + 2 * 6
    assert summary.metrics["judge/rated_ratio"] == 1.0


def test_the_summary_holds_costs_statuses_and_the_length_correlation(rate):
    _, summary, _ = rate()
    assert summary.metrics["likelihood/length_correlation"] == pytest.approx(1.0)
    assert summary.metrics["requests"] == 3 * 12
    assert summary.metrics["tokens_per_sample"] == 10
    assert summary.metrics["judge/status/rated"] == 12


def test_a_rater_that_mostly_fails_stops_the_stage_and_says_why(rate):
    with pytest.raises(DataError, match=r"`judge` scored 0 of 12 .*12 x failed \(out of memory\)"):
        rate(
            lambda request: Reply("failed", error="out of memory") if isinstance(request, Choose) else careful(request)
        )


def test_a_sample_without_a_score_is_not_scored_zero(rate):
    def moody(request):
        return Reply("refused") if "Question 3?" in json.dumps(request.messages) else careful(request)

    output, summary, _ = rate(moody)
    unrated = store.read(output, "ratings").filter(pl.col("status") == "refused")
    assert unrated["score"].to_list() == [None, None]
    assert summary.metrics["judge/status/refused"] == 1


def test_a_judge_that_says_the_same_to_everything_stops_the_stage(rate):
    def flat(request):
        if isinstance(request, Choose):
            return Reply("ok", probabilities={"3": 1.0}, answer_mass=0.9)
        return careful(request)

    with pytest.raises(DataError, match=r"`judge` gave the same score 3 to 100.0% of 60 samples"):
        rate(flat, count=60)


def test_one_sample_in_a_hundred_that_differs_does_not_silence_the_alarm(rate):
    def nearly_flat(request):
        overall = 9 if "Question 7?" in json.dumps(request.messages) else 6
        ratings = {"rarity": 1, "complexity": 1, "informativeness": 1, "overall": overall}
        return Reply("ok", json.dumps(ratings))

    with pytest.raises(DataError, match=r"`judge_generated` gave the same score 2 to 99.0% of 100 samples"):
        rate(nearly_flat, count=100, overrides=["rate.raters=[judge_generated]"])


def test_the_criteria_of_a_judge_that_writes_are_kept(rate):
    def writing(request):
        number = 1 + len(request.messages[0]["content"]) % 10
        ratings = {"rarity": number, "complexity": 2, "informativeness": 3, "overall": number}
        return Reply("ok", json.dumps(ratings))

    output, _, _ = rate(writing, overrides=["rate.raters=[judge_generated]"])
    criteria = store.read(output, "criteria")
    assert criteria.schema == RATING_CRITERIA
    assert criteria["criterion"].to_list() == list(CRITERIA) * 12
    overall = criteria.filter(criterion="overall")["value"]
    assert store.read(output, "ratings")["score"].to_list() == (overall.clip(4, 9) - 4).to_list()


def test_raters_are_combined_without_a_request(rate):
    output, summary, backend = rate(overrides=["rate.raters=[combined, likelihood, judge]"])
    combined = store.read(output, "ratings").filter(rater="combined")
    assert combined["status"].to_list() == ["rated"] * 12
    assert len(backend.seen) == 3 * 12
    assert summary.metrics["combined/rated_ratio"] == 1.0


def test_raters_that_need_the_same_request_share_it(rate):
    _, summary, backend = rate(overrides=["rate.raters=[likelihood, nll, ifd]"])
    assert len(backend.seen) == 2 * 12
    assert summary.metrics["requests"] == 5 * 12


def test_a_judge_whose_scores_only_round_to_the_same_is_kept_with_a_note(rate):
    def timid(request):
        if isinstance(request, Choose):
            high = 0.001 * (len(request.messages[0]["content"]) % 100)
            return Reply("ok", probabilities={"3": 1 - high, "4": high}, answer_mass=0.9)
        return careful(request)

    _, summary, _ = rate(timid, count=60)
    assert any("`judge` rounds to 3 for 100%" in note for note in summary.notes)
    assert summary.metrics["judge/commonest_share"] == 1.0


def test_two_runs_write_the_same_bytes(rate):
    first, _, _ = rate(name="one")
    second, _, _ = rate(name="two")
    assert store.read_manifest(first)["contents"] == store.read_manifest(second)["contents"]
