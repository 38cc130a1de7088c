"""QuRating: which of two samples is the better one, asked of many pairs, and what strengths that implies.

Pairs are shown in both orders and the odds averaged, since a judge prefers places (arXiv 2402.09739, section 3.1). The
strengths are Bradley-Terry's: P(i beats j) = sigmoid(s_i - s_j). The paper then trains a scorer on them; here every
sample takes part in some pairs (our choice).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from entp.judge.answers import is_answer
from entp.judge.both_orders import A, B, both_orders, by_pair
from entp.judge.prompt import Prompt, excerpt, fill
from entp.llm.client import Reply
from entp.select.signals.asked import ROOM, choose_all
from entp.select.signals.bradley_terry import strengths
from entp.select.signals.lexicon import whole_texts
from entp.select.signals.pool import Computed, Pool

PROMPT = Prompt(ROOM, "pairwise.v1")
#: Pairs that each sample opens; each takes part in twice as many on average (our choice).
PAIRS_PER_SAMPLE = 3


def compute(pool: Pool) -> Computed:
    """`qurating`: Bradley-Terry strength of each sample; null for one that no judged pair holds."""
    texts = whole_texts(pool.samples)
    by_id = pool.samples["id"].arg_sort().to_numpy()  # whatever the order of the rows, the pairs are the same
    pairs = by_id[drawn_pairs(len(texts), pool.config.seed)]
    limit = pool.config.rate.max_tokens
    shown = [(texts[one], texts[other]) for one, other in pairs]
    prompts = [(rendered(one, other, limit), rendered(other, one, limit)) for one, other in shown]
    replies, tokens = choose_all(pool, both_orders(prompts), "select: pairs")
    wins = first_wins(by_pair(replies))
    judged = ~np.isnan(wins)
    found = strengths(pairs[judged], wins[judged], len(texts))
    return Computed(pool.samples.select("id", qurating=pl.Series(found, dtype=pl.Float64).fill_nan(None)), tokens)


def drawn_pairs(count: int, seed: int) -> np.ndarray:
    """Pairs [m, 2] of different samples, none twice: each sample with those that follow it in a few shuffled rings."""
    rings = [np.random.default_rng([seed, ring]).permutation(count) for ring in range(PAIRS_PER_SAMPLE)]
    pairs = np.concatenate([np.stack([ring, np.roll(ring, -1)], axis=1) for ring in rings])
    return np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)


def rendered(first: str, second: str, max_tokens: int) -> str:
    """The question about two samples, each cut to its half of the room."""
    return fill(PROMPT, first=excerpt(first, max_tokens / 2), second=excerpt(second, max_tokens / 2))


def first_wins(replies: Sequence[tuple[Reply, Reply]]) -> np.ndarray:
    """Probability [m] that the first of each pair is the better, over both orders; NaN where one was not answered."""
    return np.array([(_share(straight, A) + _share(turned, B)) / 2 for straight, turned in replies])


def _share(reply: Reply, answer: str) -> float:
    return reply.probabilities[answer] if is_answer(reply) else float("nan")
