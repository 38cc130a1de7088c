"""Target cosine: the samples that mean what the target means (DATA4LLM tutorial, selection by similarity).

`target_cosine` is the cosine of a sample's embedding to the nearest item of the target set.
"""

from __future__ import annotations

import polars as pl

from entp.select.selection import best

NEEDS: tuple[str, ...] = ("target_cosine",)


def select(scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame:
    """The samples nearest to the target."""
    return best(scores, "target_cosine", budget, seed)
