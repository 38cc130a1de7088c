"""Perplexity: the middle of the pool, neither what the model knows by heart nor what it cannot make sense of.

Source: Marion et al. 2023, "When Less is More" (arXiv 2309.04564), where of the bottom, the middle and the top of the
perplexities the middle trained best. Perplexity is exp(nll), so that both have the same order.
"""

from __future__ import annotations

import polars as pl

from entp.select.selection import known, ranked, unweighted

NEEDS: tuple[str, ...] = ("nll",)


def select(scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame:
    """The `budget` samples around the median of `nll`, as many on either side."""
    rows = ranked(known(scores, NEEDS), NEEDS, seed, descending=False)
    return unweighted(rows.slice(max(0, (rows.height - budget) // 2), budget))
