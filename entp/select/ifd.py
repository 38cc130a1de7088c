"""IFD, Cherry selection: what the model has still to learn, but can (Li et al. 2023, arXiv 2308.12032).

IFD = loss of the response after its prompt / loss of the response alone. At 1 and above the prompt misleads, and the
sample is left out; of the others the highest are taken.
"""

from __future__ import annotations

import polars as pl

from entp.errors import DataError
from entp.select.selection import best, known

NEEDS: tuple[str, ...] = ("ifd",)


def select(scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame:
    """The highest IFD below 1."""
    return highest_below_one(scores, "ifd", budget, seed)


def highest_below_one(scores: pl.DataFrame, column: str, budget: int, seed: int) -> pl.DataFrame:
    """By any model's IFD. Raises DataError where its prompts mislead in every sample."""
    rows = known(scores, [column])
    helped = rows.filter(pl.col(column) < 1)
    if helped.is_empty():
        raise DataError(
            f"select: {column} is 1 or more for all {rows.height} samples: their prompts help the model in none"
        )
    return best(helped, column, budget, seed)
