"""What reaches the ratings when a real server misbehaves: a status, never a score of its own making."""

from __future__ import annotations

import json

import polars as pl
import pytest

from entp import store
from entp.errors import DataError
from entp.llm import servers
from entp.params import load
from entp.rate.raters.judge_generated import MAX_TOKENS
from entp.rate.stage import run
from entp.records import CRITERIA, RATING_STATUSES, SAMPLES, content_id
from tests.llm.openai_server import Server, by_digest, completion, digest, error, serving
from tests.rate.conversations import conversation

COUNT = 40
JUDGES = ("judge", "judge_generated")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(servers, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(servers, "ASIDE_SECONDS", 0.02)
    monkeypatch.setattr(servers, "LOST_IN_A_ROW", 1000)  # the server is bad, but it is the only one


def sound(body):
    """Log-probabilities and ratings that depend on the request alone."""
    if "response_format" not in body:
        return by_digest(body)
    mark = int(digest(body)[:4], 16)
    return completion(json.dumps({name: 1 + (mark >> place) % 10 for place, name in enumerate(CRITERIA)}))


@pytest.fixture
def rate(tmp_path):
    """Rate a pool by both judges on this server; returns the ratings by rater and id."""
    with store.publish(tmp_path / "purge", store.Identity("purge", {}, "", {})) as dataset:
        rows = []
        for index in range(COUNT):
            messages = conversation(f"Question {index}?", "word " * (index + 1))
            rows.append((content_id(messages), "forum", messages, None, "en", "{}"))
        dataset.write("samples", pl.DataFrame(rows, schema=SAMPLES, orient="row").sort("id"), SAMPLES)

    def run_stage(server: Server, raters=JUDGES, retries=2, name="rate", floor=0.0, seconds=30.0):
        overrides = [
            f"rate.raters=[{','.join(raters)}]",
            f"rate.min_rated_ratio={floor}",
            "llm.model=m",
            f"llm.retries={retries}",
            f"llm.timeout_seconds={seconds}",
        ]
        with serving(server):
            config = load(overrides=[*overrides, f"llm.endpoint={server.url}"])
            run(config, {"purge": tmp_path / "purge"}, tmp_path / name / "rate")
        return store.read(tmp_path / name / "rate", "ratings")

    return run_stage


def test_under_every_fault_at_once_a_score_is_the_sound_servers_score_or_there_is_none(rate):
    truth = rate(Server(completions=[sound]), name="sound")
    faults = {"429": 0.1, "500": 0.1, "hang": 0.1, "malformed": 0.2, "cut": 0.1}
    server = Server(faults=faults, seed=3, completions=[sound])
    ratings = rate(server, retries=0, name="bad", seconds=2.0)
    assert set(server.met) == set(faults)
    both = ratings.join(truth, on=["id", "rater"], suffix="_true")
    rated = both.filter(status="rated")
    assert both.height == 2 * COUNT
    assert 0 < rated.height < both.height
    assert rated["score"].to_list() == rated["score_true"].to_list()
    unrated = both.filter(pl.col("status") != "rated")
    assert unrated["score"].null_count() == unrated["expected"].null_count() == unrated.height
    assert set(unrated["status"]) <= set(RATING_STATUSES) - {"rated", "over_budget"}


def test_what_the_next_run_asks_again_gets_its_score(rate):
    truth = rate(Server(completions=[sound]), name="sound")
    rate(Server(faults={"500": 0.5}, seed=1, completions=[sound]), retries=0, name="again")
    healed = rate(Server(completions=[sound]), name="again")
    assert healed["score"].to_list() == truth["score"].to_list()


CASES = {
    "prose": (completion("I would give it a 9."), "unparsed"),
    "half of the JSON": (completion('{"rarity": 1, "complexity": 2, "info'), "unparsed"),
    "nothing": (completion(""), "unparsed"),
    "another object": (completion('{"overall": "9"}'), "unparsed"),
    "a rating beyond the scale": (completion(json.dumps(dict.fromkeys(CRITERIA, 11))), "unparsed"),
    "cut at its limit": (completion('{"rarity": 1', finish="length"), "truncated"),
    "a refusal": (completion("", refusal="I will not rate this."), "refused"),
    "stopped by the filter": (completion('{"rarity": 1}', finish="content_filter"), "refused"),
    "a page": ("page", "failed"),
    "a cut stream": ("cut", "failed"),
    "a closed connection": ("drop", "failed"),
    "too many requests": (error(429), "failed"),
    "out of order": (error(500), "failed"),
    "a bad request": (error(400), "failed"),
    "no reply": ("hang", "timed_out"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_reply_that_is_no_rating_is_named_by_its_status(rate, case):
    answer, status = CASES[case]

    def once_bad(body):
        text = body["messages"][0]["content"]
        return answer if "Question 7?" in text else sound(body)

    seconds = 3.0 if answer == "hang" else 30.0
    ratings = rate(Server(completions=[once_bad]), raters=["judge_generated"], retries=0, seconds=seconds)
    (bad,) = ratings.filter(pl.col("status") != "rated").rows(named=True)
    assert (bad["status"], bad["score"], bad["expected"]) == (status, None, None)


def test_a_judge_whose_first_token_is_no_digit_leaves_the_sample_unparsed(rate):
    def talkative(body):
        if "Question 7?" in body["messages"][0]["content"]:
            return completion("Well", logprobs={"Well": -0.01, "I": -5.0})
        return sound(body)

    ratings = rate(Server(completions=[talkative]), raters=["judge"])
    assert ratings.filter(pl.col("status") != "rated")["status"].to_list() == ["unparsed"]


def test_a_server_that_only_ever_answers_in_prose_stops_the_stage_and_says_so(rate):
    server = Server(completions=[completion("Nine out of ten.")])
    with pytest.raises(DataError, match=rf"`judge_generated` scored 0 of {COUNT} .*{COUNT} x unparsed \(malformed"):
        rate(server, raters=["judge_generated"], retries=0, floor=0.5)
    assert {body["max_tokens"] for body in server.calls("completions")} == {MAX_TOKENS}
