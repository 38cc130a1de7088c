"""What a selector is: a pure function from scores to the ids that are worth training on, with weights.

`scores` has a row per sample: `id`, and a column per signal. The result does not depend on the order of the rows: ties
fall by a hash of the id and the seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import polars as pl

from entp.errors import DataError
from entp.records import chances

#: What a selector chose; weights are above 0, and 1 where the method does not weigh.
SELECTION = pl.Schema({"id": pl.String, "weight": pl.Float64})


class Select(Protocol):
    """Choose at most `budget` samples."""

    def __call__(self, scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame: ...


def known(scores: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The rows in which all of these signals are numbers; a sample that has none cannot be chosen by it.

    Raises DataError where a signal is not there at all, or known of no sample.
    """
    missing = [column for column in columns if column not in scores.columns]
    if missing:
        raise DataError(f"select: the scores have no column {missing[0]!r}; they have {', '.join(scores.columns)}")
    there = [pl.col(column).is_not_null() for column in columns]
    numbers = [pl.col(column).is_not_nan() for column in columns if scores[column].dtype.is_float()]
    rows = scores.filter(pl.all_horizontal(*there, *numbers))
    if rows.is_empty():
        raise DataError(f"select: of no sample are all signals known: {', '.join(columns)}")
    return rows


def ranked(rows: pl.DataFrame, columns: Sequence[str], seed: int, *, descending: bool = True) -> pl.DataFrame:
    """The rows in the order of these columns; ties fall by chance, the same for the same seed."""
    lots = rows.with_columns(_lot=chances(rows["id"], seed))
    return lots.sort([*columns, "_lot"], descending=[descending] * len(columns) + [False]).drop("_lot")


def best(scores: pl.DataFrame, column: str, budget: int, seed: int, *, descending: bool = True) -> pl.DataFrame:
    """The samples with the highest (else the lowest) values."""
    return unweighted(ranked(known(scores, [column]), [column], seed, descending=descending).head(budget))


def drawn(rows: pl.DataFrame, log_weights: pl.Expr, budget: int, seed: int) -> pl.DataFrame:
    """Drawn without replacement, in proportion to exp(`log_weights`): the largest log weight + Gumbel noise.

    Source: Gumbel top-k (Kool, van Hoof & Welling 2019). The noise hangs on the id and the seed alone.
    """
    noise = -np.log(-np.log(chances(rows["id"], seed).to_numpy()))
    perturbed = rows.select("id", value=log_weights + pl.lit(pl.Series(noise, dtype=pl.Float64)))
    return unweighted(perturbed.sort("value", "id", descending=[True, False]).head(budget))


def unweighted(rows: pl.DataFrame) -> pl.DataFrame:
    """These samples as a SELECTION, each with weight 1."""
    return rows.select("id", weight=pl.lit(1.0))
