"""Rater `judge`: the model is shown request and answer, and its next-token odds of "0".."5" are the rating.

One prefill and no decoding (METHOD, stage 3: "logits"): the expectation over the digits is the value, their
standard deviation the spread.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

from entp.config import RateConfig
from entp.llm.client import Choose, Reply, user
from entp.progress import Advance
from entp.rate.excerpt import ends, fits, shares
from entp.rate.fence import FENCE, inside_fence
from entp.rate.rating import RawRating, ask_again, unrated
from entp.records import Message, prompt_of, response_of

if TYPE_CHECKING:
    from entp.llm.session import Session

PROMPT_VERSION = "judge.v1"
ANSWERS = ("0", "1", "2", "3", "4", "5")
#: A model that gives the six digits less of its probability than this was not answering (our choice).
MIN_ANSWER_MASS = 0.01


async def raw_values(
    session: Session, conversations: Sequence[Sequence[Message]], config: RateConfig, advance: Advance | None
) -> list[RawRating]:
    """Expected score (0..5) of each conversation's last answer, with its standard deviation."""
    requests = [Choose(user(render(messages, config.max_tokens)), ANSWERS) for messages in conversations]
    replies = await ask_again(session.choose, requests, advance)
    return [
        _rating(reply, is_cut(messages, config.max_tokens))
        for reply, messages in zip(replies, conversations, strict=True)
    ]


def render(messages: Sequence[Message], max_tokens: int) -> str:
    """The judge's prompt. The sample's own words are nowhere but between fence lines that they can't contain."""
    prompt, response = _texts(messages)
    for_prompt, for_response = shares(prompt, response, max_tokens)
    return _template().substitute(fence=FENCE, prompt=ends(prompt, for_prompt), response=ends(response, for_response))


def is_cut(messages: Sequence[Message], max_tokens: int) -> bool:
    """Whether `render` leaves a part of the conversation out."""
    return not fits("".join(_texts(messages)), max_tokens)


def _texts(messages: Sequence[Message]) -> tuple[str, str]:
    return inside_fence(prompt_of(list(messages))), inside_fence(response_of(list(messages)))


def _rating(reply: Reply, cut: bool) -> RawRating:
    if reply.status != "ok":
        return unrated(reply, cut)
    if reply.answer_mass < MIN_ANSWER_MASS:
        error = f"the digits 0 to 5 had {reply.answer_mass:.2g} of the probability"
        return RawRating("unparsed", cut=cut, error=error)
    value, spread = moments(reply.probabilities)
    return RawRating("rated", value, spread, cut)


def moments(probabilities: dict[str, float]) -> tuple[float, float]:
    """Mean and standard deviation of a distribution over digits."""
    mean = sum(share * int(digit) for digit, share in probabilities.items())
    variance = sum(share * (int(digit) - mean) ** 2 for digit, share in probabilities.items())
    return mean, math.sqrt(variance)


@cache
def _template() -> Template:
    text = resources.files("entp.rate").joinpath("prompts", f"{PROMPT_VERSION}.txt").read_text(encoding="utf-8")
    return Template(text.strip())
