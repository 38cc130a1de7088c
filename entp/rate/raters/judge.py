"""Rater `judge`: the model is shown question and answer, and its next-token odds of "0".."5" are the rating.

One prefill and no decoding (docs/method.md, stage 3): the expectation over the digits is the value, their
standard deviation the spread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from entp.config import RateConfig
from entp.conversation import Message
from entp.judge.answers import MIN_ANSWER_MASS, moments
from entp.judge.prompt import Prompt, is_cut, is_hidden, render
from entp.judge.retry import ask_again
from entp.llm.client import Choose, Reply, SupportsChoose, user
from entp.progress import Advance
from entp.rate.rating import RawRating, unrated

PROMPT = Prompt("entp.rate", "judge.v2")
ANSWERS = ("0", "1", "2", "3", "4", "5")


async def raw_values(
    model: SupportsChoose, conversations: Sequence[Sequence[Message]], config: RateConfig, advance: Advance | None
) -> list[RawRating]:
    """Expected score (0..5) of each conversation's last answer, with its standard deviation; one request each."""
    requests = [Choose(user(render(PROMPT, messages, config.max_tokens)), ANSWERS) for messages in conversations]
    replies = await ask_again(model.choose, requests, advance)
    return [
        replace(_rating(reply), cut=is_cut(messages, config.max_tokens), hidden=is_hidden(messages))
        for reply, messages in zip(replies, conversations, strict=True)
    ]


def _rating(reply: Reply) -> RawRating:
    if reply.status != "ok":
        return unrated(reply)
    if reply.answer_mass < MIN_ANSWER_MASS:
        error = f"the digits 0 to 5 had {reply.answer_mass:.2g} of the probability"
        return RawRating("unparsed", error=error)
    value, spread = moments(reply.probabilities)
    return RawRating("rated", value, spread)
