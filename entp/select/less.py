"""LESS: the samples whose gradient points where the target's does (Xia et al. 2024, arXiv 2402.04333).

`influence` is the largest, over the target's groups, of the cosine between the sample's projected LoRA gradient and the
group's mean gradient, summed over checkpoints by their learning rates (section 4).
"""

from __future__ import annotations

import polars as pl

from entp.select.selection import best

NEEDS: tuple[str, ...] = ("influence",)


def select(scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame:
    """The samples with the largest influence on the target."""
    return best(scores, "influence", budget, seed)
