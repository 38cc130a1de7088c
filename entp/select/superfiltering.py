"""Superfiltering: IFD as a much smaller model sees it (Li et al. 2024, arXiv 2402.00530).

The order of samples by IFD is much the same for a weak and a strong model, and the weak one's costs little.
"""

from __future__ import annotations

import polars as pl

from entp.select.ifd import highest_below_one

NEEDS: tuple[str, ...] = ("ifd_small",)


def select(scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame:
    """The highest IFD below 1, by the small model."""
    return highest_below_one(scores, "ifd_small", budget, seed)
