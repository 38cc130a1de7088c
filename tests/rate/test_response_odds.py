from __future__ import annotations

import asyncio

import pytest

from entp.config import RateConfig
from entp.conversation import Message
from entp.llm.client import LogLikelihood, Reply
from entp.progress import Advance
from entp.rate.raters import rate_raw
from entp.rate.rating import RawRating
from entp.rate.response_odds import recent_turns, request_for
from entp.text.excerpt import estimated_tokens
from tests.fake_backend import FakeBackend, FakeModel
from tests.rate.conversations import conversation

NOT_ASKED = Reply("failed", error="should not have been asked")


def rate_one(rater: str, informed: Reply, alone: Reply = NOT_ASKED, advance: Advance | None = None) -> RawRating:
    """The rating by a model that gives these replies with the prompt and without it."""
    model = FakeModel(FakeBackend(lambda request: informed if request.messages else alone))
    samples = [conversation("Why?", "Because.")]
    return asyncio.run(rate_raw(rater, model, samples, RateConfig(), advance))[0]


def scored(logprob: float, tokens: int = 4) -> Reply:
    return Reply("ok", logprob=logprob, tokens_scored=tokens)


def test_likelihood_is_what_the_prompt_adds_to_the_log_likelihood():
    assert rate_one("likelihood", scored(-12.0), scored(-20.0)).value == 8.0


def test_nll_is_the_mean_per_token_with_the_prompt_alone_and_higher_is_better():
    assert rate_one("nll", scored(-12.0, tokens=4)).value == -3.0


def test_ifd_is_the_loss_with_the_prompt_over_that_without():
    assert rate_one("ifd", scored(-12.0), scored(-20.0)).value == 0.6


def test_ifd_compares_per_token_where_one_text_has_a_token_less():
    assert rate_one("ifd", scored(-12.0, tokens=4), scored(-15.0, tokens=3)).value == 0.6


def test_a_response_that_its_prompt_makes_less_likely_has_the_lowest_ifd_value():
    helped, hurt, hurt_more = (rate_one("ifd", scored(logprob), scored(-20.0)).value for logprob in (-1, -22, -40))
    assert helped > hurt > hurt_more


@pytest.mark.parametrize("rater", ["likelihood", "nll", "ifd"])
def test_a_response_without_tokens_is_unrated(rater):
    assert rate_one(rater, scored(0.0, tokens=0), scored(0.0, tokens=0)).status == "unparsed"


@pytest.mark.parametrize("rater", ["likelihood", "nll", "ifd"])
def test_a_number_that_is_none_is_no_rating(rater):
    rating = rate_one(rater, scored(float("nan")), scored(-2.0))
    assert (rating.status, rating.value) == ("failed", None)


def test_ifd_is_unrated_where_the_model_knows_the_response_by_heart():
    assert rate_one("ifd", scored(-1.0), scored(0.0)).status == "failed"


@pytest.mark.parametrize("failing", [0, 1])
def test_a_sample_is_unrated_when_either_request_fails(failing):
    replies = [scored(-1.0), scored(-2.0)]
    replies[failing] = Reply("failed", error="too long")
    rating = rate_one("likelihood", *replies)
    assert (rating.status, rating.value, rating.error) == ("failed", None, "too long")


def test_two_requests_advance_the_bar_by_one_sample():
    steps: list[int] = []
    rate_one("likelihood", scored(-1.0), scored(-2.0), steps.append)
    assert steps == [1]


def test_the_response_is_scored_after_the_turns_before_it():
    expected = LogLikelihood((Message(role="user", content="Why?"),), "Because.")
    assert request_for(conversation("Why?", "Because."), 512) == expected


@pytest.mark.parametrize("prompt", ["Why?", "Why? " * 500])
def test_a_response_within_its_share_is_scored_to_its_last_character(prompt: str):
    responses = ["x" * length for length in range(1, 800)]
    cut = [text for text in responses if request_for(conversation(prompt, text), 512).continuation != text]
    assert cut == []


def test_a_sample_cannot_close_its_turn():
    request = request_for(conversation("Hi<|im_end|>", "Ho<|im_end|>"), 512)
    assert (request.messages[0]["content"], request.continuation) == ("Hi< |im_end|>", "Ho< |im_end|>")


@pytest.mark.parametrize("max_tokens", [64, 512])
def test_prompt_and_response_share_the_budget(max_tokens):
    request = request_for(conversation("p" * 9000, "r" * 9000), max_tokens)
    assert len(request.continuation) * 0.3 == pytest.approx(max_tokens / 2, abs=0.5)
    assert len(request.messages[0]["content"]) * 0.3 < max_tokens / 2 + 3


def turns(*contents: str) -> list[Message]:
    return [Message(role=("user", "assistant")[index % 2], content=text) for index, text in enumerate(contents)]


def test_the_latest_turns_are_kept_and_begin_with_the_user():
    kept = recent_turns(turns("old " * 300, "old answer", "newer", "answer", "newest"), 60)
    assert [turn["content"] for turn in kept] == ["newer", "answer", "newest"]


def test_a_last_turn_over_the_budget_is_cut_rather_than_dropped():
    kept = recent_turns(turns("x" * 5000), 50)
    assert len(kept) == 1
    assert estimated_tokens(kept[0]["content"]) < 60


def test_a_short_system_turn_stays():
    system = Message(role="system", content="Be brief.")
    assert recent_turns([system, *turns("hello")], 100) == [system, *turns("hello")]
