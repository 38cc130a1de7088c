"""DS2: the best curated scores, and among equal ones the rarest samples (arXiv 2410.10877, section 3.4).

Rarity is the long-tail score: the mean cosine distance to the nearest neighbours, squashed.
"""

from __future__ import annotations

import polars as pl

from entp.select.selection import known, ranked, unweighted

NEEDS: tuple[str, ...] = ("score_curated", "neighbour_distance")


def select(scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame:
    """By curated score, then by distance to the neighbours."""
    return unweighted(ranked(known(scores, NEEDS), NEEDS, seed).head(budget))
