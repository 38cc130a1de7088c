"""DSIR: drawn by how much likelier a text is in the target than in the pool (Xie et al. 2023, arXiv 2302.03169).

`importance` is log p_target(x) - log p_pool(x) under hashed bags of words; a set is drawn without replacement by Gumbel
top-k (section 3).
"""

from __future__ import annotations

import polars as pl

from entp.select.selection import drawn, known

NEEDS: tuple[str, ...] = ("importance",)


def select(scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame:
    """Drawn without replacement in proportion to the importance weight."""
    return drawn(known(scores, NEEDS), pl.col("importance"), budget, seed)
