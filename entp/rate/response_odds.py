"""How likely a model finds each response, after its prompt and by itself: what the likelihood raters are made of.

No prompt of ours is involved, so a sample has nothing to inject into; the price is that likelihood measures fit more
than truth. Raters of one run share the requests, because equal requests are made once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from entp.config import RateConfig
from entp.conversation import Message, before, prompt_of, response_of, spoken
from entp.judge.fence import neutralise
from entp.judge.retry import ask_again
from entp.llm.client import LogLikelihood, Reply, SupportsLogLikelihood
from entp.progress import Advance
from entp.rate.rating import RawRating, unrated
from entp.text.excerpt import ends, estimated_tokens, fits, head, shares


@dataclass(frozen=True)
class Odds:
    """Log-probability (nats) of a response of `tokens` tokens."""

    logprob: float
    tokens: int

    @property
    def per_token(self) -> float:
        return self.logprob / self.tokens


async def rate_by_fit(
    value: Callable[[Odds], float],
    model: SupportsLogLikelihood,
    conversations: Sequence[Sequence[Message]],
    config: RateConfig,
    advance: Advance | None,
) -> list[RawRating]:
    """Rate each last answer by `value` of its odds after its prompt; one request each."""
    requests = [request_for(messages, config.max_tokens) for messages in conversations]
    replies = await ask_again(model.loglikelihood, requests, advance)
    return [
        replace(_rating([reply], value), cut=is_cut(messages, config.max_tokens))
        for reply, messages in zip(replies, conversations, strict=True)
    ]


async def rate_by_help(
    value: Callable[[Odds, Odds], float],
    model: SupportsLogLikelihood,
    conversations: Sequence[Sequence[Message]],
    config: RateConfig,
    advance: Advance | None,
) -> list[RawRating]:
    """Rate each last answer by `value` of its odds after its prompt and of those without; two requests each."""
    informed = [request_for(messages, config.max_tokens) for messages in conversations]
    alone = [LogLikelihood((), request.continuation) for request in informed]
    replies = await ask_again(model.loglikelihood, [*informed, *alone], every_second(advance))
    return [
        replace(_rating([with_prompt, without], value), cut=is_cut(messages, config.max_tokens))
        for with_prompt, without, messages in zip(
            replies[: len(informed)], replies[len(informed) :], conversations, strict=True
        )
    ]


def request_for(messages: Sequence[Message], max_tokens: int) -> LogLikelihood:
    """The last answer as the continuation of the turns before it, each cut to its share of the budget."""
    response = neutralise(response_of(messages))
    earlier = [Message(role=turn["role"], content=neutralise(turn["content"])) for turn in spoken(before(messages))]
    for_context, for_response = shares(neutralise(prompt_of(messages)), response, max_tokens)
    return LogLikelihood(tuple(recent_turns(earlier, for_context)), head(response, for_response))


def recent_turns(turns: Sequence[Message], max_tokens: float) -> list[Message]:
    """The latest turns within the budget, beginning with a user turn as chat templates expect.

    The system turn stays where it fits in a quarter of the budget. A last turn that is over the budget by itself
    is cut to its ends.
    """
    system = [turn for turn in turns[:1] if turn["role"] == "system" and fits(turn["content"], max_tokens / 4)]
    left = max_tokens - sum(estimated_tokens(turn["content"]) for turn in system)
    others = [turn for turn in turns if turn["role"] != "system"]
    chosen: list[Message] = []
    for turn in reversed(others):
        if chosen and not fits(turn["content"], left):
            break
        chosen.insert(0, Message(role=turn["role"], content=ends(turn["content"], left)))
        left = max(left - estimated_tokens(turn["content"]), 0.0)
    while len(chosen) > 1 and chosen[0]["role"] != "user":
        chosen.pop(0)
    return system + chosen


def is_cut(messages: Sequence[Message], max_tokens: int) -> bool:
    """Whether `request_for` leaves a part of the conversation out."""
    return not fits(prompt_of(messages) + response_of(messages), max_tokens)


def every_second(advance: Advance | None) -> Advance | None:
    """An `advance` for half-items: it moves on by one for every two."""
    if advance is None:
        return None
    halves = 0

    def step(items: int = 1) -> None:
        nonlocal halves
        before, halves = halves, halves + items
        advance(halves // 2 - before // 2)

    return step


def _rating(replies: Sequence[Reply], value: Callable[..., float]) -> RawRating:
    for reply in replies:
        if reply.status != "ok":
            return unrated(reply)
        if reply.tokens_scored < 1:
            return RawRating("unparsed", error="the response has no tokens to score")
    number = value(*(Odds(reply.logprob, reply.tokens_scored) for reply in replies))
    if not math.isfinite(number):
        return RawRating("failed", error="the model's probabilities are not numbers")
    return RawRating("rated", number)
