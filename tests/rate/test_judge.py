from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from entp.config import RateConfig
from entp.llm.client import Choose, Reply
from entp.progress import Advance
from entp.rate.raters.judge import ANSWERS, raw_values
from tests.fake_backend import FakeBackend
from tests.rate.conversations import conversation

CONFIG = RateConfig()


class Replies:
    """A session that gives these replies, one per request, and remembers how many it was asked for."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = iter(replies)
        self.asked: list[int] = []
        self.backend = FakeBackend(lambda _: next(self.replies))

    async def choose(self, requests: Sequence[Choose], _advance: Advance | None = None, /) -> list[Reply]:
        self.asked.append(len(requests))
        return await self.backend.choose(requests)


def judged(*replies: Reply):
    session = Replies(*replies)
    count = len(replies) if all(reply.status == "ok" for reply in replies) else 1
    samples = [conversation("What is rain?", f"Water {index}.") for index in range(count)]
    return asyncio.run(raw_values(session, samples, CONFIG, None)), session


def digits(**shares: float) -> Reply:
    named = {name.removeprefix("p"): share for name, share in shares.items()}
    return Reply("ok", probabilities={digit: named.get(digit, 0.0) for digit in ANSWERS}, answer_mass=0.9)


def test_the_value_is_the_expected_score_and_the_spread_its_standard_deviation():
    (rating,), _ = judged(digits(p2=0.5, p4=0.5))
    assert (rating.status, rating.value, rating.spread) == ("rated", 3.0, 1.0)


def test_a_certain_judge_has_no_spread():
    (rating,), _ = judged(digits(p4=1.0))
    assert (rating.value, rating.spread) == (4.0, 0.0)


def test_a_model_that_would_not_answer_with_a_digit_leaves_the_sample_unrated():
    (rating,), _ = judged(Reply("ok", probabilities=dict.fromkeys(ANSWERS, 1 / 6), answer_mass=0.001))
    assert (rating.status, rating.value) == ("unparsed", None)
    assert "0.001" in rating.error


def test_a_failed_request_is_asked_once_more():
    (rating,), session = judged(Reply("failed"), digits(p5=1.0))
    assert (rating.value, session.asked) == (5.0, [1, 1])


def test_a_request_that_fails_twice_keeps_its_status_and_gets_no_score():
    (rating,), session = judged(Reply("timed_out"), Reply("timed_out", error="120 s"))
    assert (rating.status, rating.value, rating.error, session.asked) == ("timed_out", None, "120 s", [1, 1])


def test_a_refusal_is_final():
    (rating,), session = judged(Reply("refused"))
    assert (rating.status, session.asked) == ("refused", [1])


def test_a_long_sample_is_cut_and_says_so():
    session = Replies(digits(p3=1.0), digits(p3=1.0))
    samples = [conversation("What is rain?", "water " * 2000), conversation("What is rain?", "Water.")]
    ratings = asyncio.run(raw_values(session, samples, RateConfig(max_tokens=100), None))
    assert [rating.cut for rating in ratings] == [True, False]
    assert len(session.backend.seen[0].messages[0]["content"]) < 1500


@pytest.mark.parametrize("answer", ANSWERS)
def test_every_digit_is_asked_for(answer):
    _, session = judged(digits(p3=1.0))
    assert answer in session.backend.seen[0].answers
