from __future__ import annotations

import asyncio
import json

import pytest

from entp.config import RateConfig
from entp.llm.client import MALFORMED, Reply
from entp.rate.raters import rate_raw
from entp.rate.raters.judge_generated import SCHEMA, criteria_in, shifted
from entp.records import CRITERIA
from tests.fake_backend import FakeBackend, FakeModel
from tests.rate.conversations import conversation

WHOLE = {"rarity": 2, "complexity": 3, "informativeness": 10, "overall": 7}


def judged(reply: Reply):
    backend = FakeBackend(lambda _: reply)
    samples = [conversation("What is rain?", "Water.")]
    return asyncio.run(rate_raw("judge_generated", FakeModel(backend), samples, RateConfig()))[0], backend


def test_the_value_is_the_overall_rating_shifted_and_all_criteria_are_kept():
    rating, _ = judged(Reply("ok", json.dumps(WHOLE)))
    assert (rating.status, rating.value, rating.spread, rating.criteria) == ("rated", 3.0, None, WHOLE)


def test_ds2s_mapping():
    assert [shifted(overall) for overall in range(1, 11)] == [0, 0, 0, 0, 1, 2, 3, 4, 5, 5]


def test_the_schema_asks_for_every_criterion_and_for_overall_last():
    _, backend = judged(Reply("ok", json.dumps(WHOLE)))
    assert list(backend.seen[0].json_schema["properties"]) == list(CRITERIA)
    assert CRITERIA[-1] == "overall"
    assert SCHEMA["required"] == list(CRITERIA)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "Overall: 7",
        "null",
        "[2, 3, 10, 7]",
        json.dumps(WHOLE)[:-1],
        json.dumps(WHOLE) + "!",
        json.dumps({"overall": 7}),
        json.dumps({**WHOLE, "note": 1}),
        json.dumps({**WHOLE, "overall": "7"}),
        json.dumps({**WHOLE, "overall": 7.5}),
        json.dumps({**WHOLE, "overall": True}),
        json.dumps({**WHOLE, "overall": None}),
        json.dumps({**WHOLE, "overall": 0}),
        json.dumps({**WHOLE, "overall": 11}),
    ],
)
def test_a_reply_that_cannot_be_read_is_no_score(text):
    rating, _ = judged(Reply("ok", text))
    assert criteria_in(text) is None
    assert (rating.status, rating.value, rating.criteria) == ("unparsed", None, {})


@pytest.mark.parametrize("status", ["truncated", "refused", "timed_out", "failed"])
def test_a_reply_that_did_not_come_keeps_its_status_even_with_a_readable_text(status):
    rating, _ = judged(Reply(status, json.dumps(WHOLE), error="why"))
    assert (rating.status, rating.value, rating.error) == (status, None, "why")


def test_a_server_that_does_not_keep_to_the_schema_leaves_the_sample_unparsed():
    rating, backend = judged(Reply("failed", "I would say 7.", error=f"{MALFORMED} (after 3 tries)"))
    assert (rating.status, rating.value) == ("unparsed", None)
    assert len(backend.seen) == 2
