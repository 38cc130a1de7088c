"""Rater `likelihood`: how much the prompt helps the model to predict the response.

Value = log p(response | prompt) - log p(response), in nats: the information that the two share. An answer to another
question, garbled text and a repeated stock phrase gain little from their prompt. No prompt of ours is involved, so
there is nothing to inject into; the price is that it measures fit more than truth.

The choice is ours, and was measured with SmolLM2-135M. On good and bad answers of equal length, 60 pairs of our own, it
tells them apart with AUC 0.73; the mean log-likelihood per token, one request instead of two, with 0.61, and
it prefers an answer that repeats its question to a good one. On 180 Alpaca rows that three larger models rated very
high or very low (DS2's published ratings) the mean log-likelihood ranks the *low* ones higher (AUC 0.29; 0.36 at equal
length), because what is easy is easy to predict; this value reaches 0.61 (0.52 at equal length, so next to nothing),
and plain length 0.94. Use a judge on a larger model for anything but a demonstration.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from entp.config import RateConfig
from entp.llm.client import LogLikelihood, Reply
from entp.progress import Advance
from entp.rate.excerpt import fits, head, recent_turns, shares
from entp.rate.fence import neutralise
from entp.rate.rating import RawRating, ask_again, unrated
from entp.records import Message, prompt_of, response_of

if TYPE_CHECKING:
    from entp.llm.session import Session


async def raw_values(
    session: Session, conversations: Sequence[Sequence[Message]], config: RateConfig, advance: Advance | None
) -> list[RawRating]:
    """Nats that the prompt adds to the log-likelihood of each conversation's last answer; two requests each."""
    informed = [request_for(messages, config.max_tokens) for messages in conversations]
    alone = [LogLikelihood((), request.continuation) for request in informed]
    replies = await ask_again(session.loglikelihood, [*informed, *alone], every_second(advance))
    return [
        _rating(with_prompt, without, is_cut(messages, config.max_tokens))
        for with_prompt, without, messages in zip(
            replies[: len(informed)], replies[len(informed) :], conversations, strict=True
        )
    ]


def request_for(messages: Sequence[Message], max_tokens: int) -> LogLikelihood:
    """The last answer as the continuation of the turns before it, each cut to its share of the budget."""
    clean = [Message(role=turn["role"], content=neutralise(turn["content"])) for turn in messages]
    for_context, for_response = shares(prompt_of(clean), response_of(clean), max_tokens)
    context = recent_turns(clean[:-1], for_context)
    return LogLikelihood(tuple(context), head(response_of(clean), for_response))


def is_cut(messages: Sequence[Message], max_tokens: int) -> bool:
    """Whether `request_for` leaves a part of the conversation out."""
    return not fits(prompt_of(list(messages)) + response_of(list(messages)), max_tokens)


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


def _rating(with_prompt: Reply, without: Reply, cut: bool) -> RawRating:
    for reply in (with_prompt, without):
        if reply.status != "ok":
            return unrated(reply, cut)
        if reply.tokens_scored < 1:
            return RawRating("unparsed", cut=cut, error="the response has no tokens to score")
    return RawRating("rated", with_prompt.logprob - without.logprob, None, cut)
