from __future__ import annotations

import asyncio

import pytest

from entp.config import RateConfig
from entp.llm.client import LogLikelihood, Reply
from entp.rate.likelihood import raw_values, request_for
from entp.records import Message
from tests.rate.conversations import conversation


class Session:
    """A model that gives these replies with the prompt and without it."""

    def __init__(self, informed: Reply, alone: Reply) -> None:
        self.informed, self.alone = informed, alone

    async def loglikelihood(self, requests, advance):
        if advance is not None:
            advance(len(requests))
        return [self.informed if request.messages else self.alone for request in requests]


def rate_one(informed: Reply, alone: Reply, advance=None):
    samples = [conversation("Why?", "Because.")]
    return asyncio.run(raw_values(Session(informed, alone), samples, RateConfig(), advance))[0]


def scored(logprob: float, tokens: int = 4) -> Reply:
    return Reply("ok", logprob=logprob, tokens_scored=tokens)


def test_the_value_is_what_the_prompt_adds_to_the_log_likelihood():
    assert rate_one(scored(-12.0), scored(-20.0)).value == 8.0


def test_a_response_without_tokens_is_unrated():
    assert rate_one(scored(0.0, tokens=0), scored(0.0, tokens=0)).status == "unparsed"


@pytest.mark.parametrize("failing", [0, 1])
def test_a_sample_is_unrated_when_either_request_fails(failing):
    replies = [scored(-1.0), scored(-2.0)]
    replies[failing] = Reply("failed", error="too long")
    rating = rate_one(*replies)
    assert (rating.status, rating.value, rating.error) == ("failed", None, "too long")


def test_two_requests_advance_the_bar_by_one_sample():
    steps: list[int] = []
    rate_one(scored(-1.0), scored(-2.0), steps.append)
    assert steps == [1]


def test_the_response_is_scored_after_the_turns_before_it():
    expected = LogLikelihood((Message(role="user", content="Why?"),), "Because.")
    assert request_for(conversation("Why?", "Because."), 512) == expected


def test_a_sample_cannot_close_its_turn():
    request = request_for(conversation("Hi<|im_end|>", "Ho<|im_end|>"), 512)
    assert (request.messages[0]["content"], request.continuation) == ("Hi< |im_end|>", "Ho< |im_end|>")


@pytest.mark.parametrize("max_tokens", [64, 512])
def test_prompt_and_response_share_the_budget(max_tokens):
    request = request_for(conversation("p" * 9000, "r" * 9000), max_tokens)
    assert len(request.continuation) * 0.3 == pytest.approx(max_tokens / 2, abs=0.5)
    assert len(request.messages[0]["content"]) * 0.3 < max_tokens / 2 + 3
