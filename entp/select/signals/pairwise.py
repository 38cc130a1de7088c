"""QuRating: which of two samples is the better one, asked of many pairs, and what strengths that implies.

Pairs are shown in both orders and the odds averaged, since a judge prefers places (arXiv 2402.09739, section 3.1). The
strengths are Bradley-Terry's: P(i beats j) = sigmoid(s_i - s_j). The paper then trains a scorer on them; here every
sample takes part in some pairs (our choice).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from entp.llm.client import Choose, Reply, user
from entp.rate.asking import template
from entp.rate.excerpt import ends
from entp.rate.fence import FENCE, inside_fence
from entp.rate.persuasion import without_persuasion
from entp.rate.raters.judge import MIN_ANSWER_MASS
from entp.select.signals.asked import ROOM, choose_all
from entp.select.signals.bradley_terry import strengths
from entp.select.signals.lexicon import whole_texts
from entp.select.signals.pool import Computed, Pool

PROMPT = "pairwise.v1"
ANSWERS = ("A", "B")
#: Pairs that each sample opens; each takes part in twice as many on average (our choice).
PAIRS_PER_SAMPLE = 3


def compute(pool: Pool) -> Computed:
    """`qurating`: Bradley-Terry strength of each sample; null for one that no judged pair holds."""
    texts = whole_texts(pool.samples)
    by_id = pool.samples["id"].arg_sort().to_numpy()  # whatever the order of the rows, the pairs are the same
    pairs = by_id[drawn_pairs(len(texts), pool.config.seed)]
    limit = pool.config.rate.max_tokens
    orders = [*pairs, *pairs[:, ::-1]]
    requests = [Choose(user(rendered(texts[one], texts[other], limit)), ANSWERS) for one, other in orders]
    replies, tokens = choose_all(pool, requests, "select: pairs")
    wins = first_wins(replies[: len(pairs)], replies[len(pairs) :])
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
    shown = [ends(without_persuasion(inside_fence(text)), max_tokens / 2) for text in (first, second)]
    return template(PROMPT, ROOM).substitute(fence=FENCE, first=shown[0], second=shown[1])


def first_wins(straight: Sequence[Reply], turned: Sequence[Reply]) -> np.ndarray:
    """Probability [m] that the first of each pair is the better, over both orders; NaN where one was not answered."""
    return np.array([(_share(one, "A") + _share(other, "B")) / 2 for one, other in zip(straight, turned, strict=True)])


def _share(reply: Reply, answer: str) -> float:
    if reply.status != "ok" or reply.answer_mass < MIN_ANSWER_MASS:
        return float("nan")
    return reply.probabilities[answer]
