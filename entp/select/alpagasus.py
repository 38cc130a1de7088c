"""AlpaGasus: the best rated by a judge (Chen et al. 2023, arXiv 2307.08701).

The paper keeps what is rated 4.5 and more of 5. At a given number of rows that is the best rated first; which of
equally rated samples are taken is chance.
"""

from __future__ import annotations

import polars as pl

from entp.select.selection import best

NEEDS: tuple[str, ...] = ("rating",)


def select(scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame:
    """The samples with the highest rating as the judge gave it."""
    return best(scores, "rating", budget, seed)
