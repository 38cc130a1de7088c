"""kNN: the samples that lie farthest from their neighbours, so that the set spreads over the pool.

Score = mean cosine distance to the k nearest neighbours (Angiulli & Pizzuti 2002, as DS2, section 5, uses it).
"""

from __future__ import annotations

import polars as pl

from entp.select.selection import best

NEEDS: tuple[str, ...] = ("neighbour_distance",)


def select(scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame:
    """The samples with the largest mean distance to their neighbours."""
    return best(scores, "neighbour_distance", budget, seed)
