"""IFD, Cherry selection: what the model has still to learn, but can (Li et al. 2023, arXiv 2308.12032).

IFD = loss of the response after its prompt / loss of the response alone. At 1 and above the prompt misleads, and the
sample is left out; of the others the highest are taken.
"""

from __future__ import annotations

import polars as pl

from entp.select.selection import best, known

NEEDS: tuple[str, ...] = ("ifd",)


def select(scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame:
    """The highest IFD below 1."""
    return best(known(scores, NEEDS).filter(pl.col("ifd") < 1), "ifd", budget, seed)
