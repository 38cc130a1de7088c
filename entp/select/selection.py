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
    """The rows in which all of these signals are finite numbers; a sample that has none cannot be chosen by it.

    Raises DataError where a signal is not there at all, or known of no sample; where there is no sample; or where two
    have one id or one has none, for it would be trained on twice.
    """
    missing = [column for column in columns if column not in scores.columns]
    if missing:
        raise DataError(f"select: the scores have no column {missing[0]!r}; they have {', '.join(scores.columns)}")
    _check_ids(scores["id"])
    # Some selectors ask for no column, and a filter by nothing is refused.
    rows = scores.filter(pl.lit(value=True), *[_is_known(column, scores[column].dtype) for column in columns])
    if rows.is_empty():
        raise DataError(f"select: of no sample are all signals known: {', '.join(columns)}")
    return rows


def _check_ids(ids: pl.Series) -> None:
    if ids.is_empty():
        raise DataError("select: there is no sample to choose from")
    if ids.null_count():
        raise DataError(f"select: {ids.null_count()} samples have no id")
    if ids.n_unique() < len(ids):
        counts = ids.value_counts().filter(pl.col("count") > 1).sort("id")
        raise DataError(f"select: sample {counts['id'][0]!r} is there {counts['count'][0]} times; join signals by id")


def _is_known(column: str, dtype: pl.DataType) -> pl.Expr:
    signal = pl.col(column)
    if isinstance(dtype, pl.List | pl.Array):
        return signal.cast(pl.List(dtype.inner)).list.eval(pl.element().is_finite().fill_null(value=False)).list.all()
    return signal.is_finite() if dtype.is_float() else signal.is_not_null()


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
