"""Rater `judge`: the model is shown question and answer, and its next-token odds of "0".."5" are the rating.

One prefill and no decoding (METHOD, stage 3: "logits"): the expectation over the digits is the value, their
standard deviation the spread.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from entp.config import RateConfig
from entp.llm.client import Choose, Reply, user
from entp.progress import Advance
from entp.rate.asking import is_cut, is_hidden, render
from entp.rate.rating import RawRating, ask_again, unrated
from entp.records import Message

if TYPE_CHECKING:
    from entp.llm.session import Session

PROMPT_VERSION = "judge.v2"
ANSWERS = ("0", "1", "2", "3", "4", "5")
#: A model that gives the six digits less of its probability than this was not answering (our choice).
MIN_ANSWER_MASS = 0.01


async def raw_values(
    session: Session, conversations: Sequence[Sequence[Message]], config: RateConfig, advance: Advance | None
) -> list[RawRating]:
    """Expected score (0..5) of each conversation's last answer, with its standard deviation; one request each."""
    requests = [
        Choose(user(render(PROMPT_VERSION, messages, config.max_tokens)), ANSWERS) for messages in conversations
    ]
    replies = await ask_again(session.choose, requests, advance)
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


def moments(probabilities: Mapping[str, float]) -> tuple[float, float]:
    """Mean and standard deviation of a distribution over digits."""
    mean = sum(share * int(digit) for digit, share in probabilities.items())
    variance = sum(share * (int(digit) - mean) ** 2 for digit, share in probabilities.items())
    return mean, math.sqrt(variance)
