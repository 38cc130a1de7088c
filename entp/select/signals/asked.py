"""What a model says of a sample when it is asked: whether it is worth learning from, how complex and how good it is.

One forward pass per sample and question; the sample is data inside a fence (`entp.judge.prompt`).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from entp.judge.answers import YES_NO, is_answer, log_odds, moments
from entp.judge.prompt import Prompt, render
from entp.judge.retry import ask_again
from entp.llm.client import Choose, Reply, user
from entp.llm.session import open_session
from entp.progress import progress
from entp.select.signals.pool import Computed, Pool

ROOM = "entp.select.signals"
WORTH, COMPLEXITY, QUALITY = (Prompt(ROOM, version) for version in ("worth.v1", "complexity.v1", "quality.v1"))
#: The scale of DEITA's scorers (Liu et al. 2023, section 2.3).
ONE_TO_SIX = ("1", "2", "3", "4", "5", "6")


def compute_worth(pool: Pool) -> Computed:
    """`yes`: log-odds that the model answers "Yes" rather than "No" (Ask-LLM, arXiv 2402.09668, section 3)."""
    replies, tokens = _ask(pool, WORTH, YES_NO)
    return Computed(
        pool.samples.select("id", yes=pl.Series([log_odds(reply) for reply in replies], dtype=pl.Float64)), tokens
    )


def compute_scores(pool: Pool) -> Computed:
    """`complexity` of the prompt and `quality` of the response: the expected digit, 1 to 6.

    DEITA trains a scorer for each on ChatGPT's rankings (section 2.3); here the configured model is asked (our choice).
    """
    complexity, tokens = _ask(pool, COMPLEXITY, ONE_TO_SIX)
    quality, more = _ask(pool, QUALITY, ONE_TO_SIX)
    frame = pool.samples.select(
        "id",
        complexity=pl.Series([expected(reply) for reply in complexity], dtype=pl.Float64),
        quality=pl.Series([expected(reply) for reply in quality], dtype=pl.Float64),
    )
    return Computed(frame, tokens + more)


def expected(reply: Reply) -> float | None:
    """The mean of the digits; nothing where the model was not answering."""
    return moments(reply.probabilities)[0] if is_answer(reply) else None


def _ask(pool: Pool, prompt: Prompt, answers: tuple[str, ...]) -> tuple[list[Reply], int]:
    conversations = pool.samples["messages"].to_list()
    limit = pool.config.rate.max_tokens
    requests = [Choose(user(render(prompt, turns, limit)), answers) for turns in conversations]
    return choose_all(pool, requests, f"select: {prompt.version.partition('.')[0]}")


def choose_all(pool: Pool, requests: Sequence[Choose], title: str) -> tuple[list[Reply], int]:
    """The replies in order, those that did not come asked for once more, and the tokens that it took."""
    with (
        open_session(pool.config.llm, pool.cache, purpose="select") as session,
        progress(title, len(requests)) as advance,
    ):
        replies = session.run(ask_again(session.choose, requests, advance))
        return replies, session.usage.tokens_in + session.usage.tokens_out
