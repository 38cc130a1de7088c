"""Learning percentage: what the model is slowest to learn (Mekala et al. 2024, arXiv 2402.10430).

LP(1) = (ppl_0 - ppl_1) / (ppl_0 - ppl_n): the share of the whole drop of perplexity that the first epoch brings. A low
one marks a difficult sample, and the difficult are taken (section 3).
"""

from __future__ import annotations

import polars as pl

from entp.select.selection import best

NEEDS: tuple[str, ...] = ("learning_percentage",)


def select(scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame:
    """The lowest learning percentages."""
    return best(scores, "learning_percentage", budget, seed, descending=False)
