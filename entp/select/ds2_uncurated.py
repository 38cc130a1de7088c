"""DS2 without its curation: the same choice by the scores as the rater gave them (arXiv 2410.10877, its ablation)."""

from __future__ import annotations

import polars as pl

from entp.select.selection import known, ranked, unweighted

NEEDS: tuple[str, ...] = ("rating", "neighbour_distance")


def select(scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame:
    """By raw score, then by distance to the neighbours."""
    return unweighted(ranked(known(scores, NEEDS), NEEDS, seed).head(budget))
