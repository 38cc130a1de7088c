"""Ways to choose among samples by their signals, and what they are made of.

Each is a `Choice`: a pure function from the samples whose signals are known to those that are worth training on.
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


#: Temperature of `drawn_by_standardised_weight`, which QuRating (Wettig et al. 2024, section 4.1) found to balance
#: quality and variety.
TEMPERATURE = 2.0


class Choice(Protocol):
    """A SELECTION of at most `budget` of these samples, by these columns, all of which are known."""

    def __call__(self, rows: pl.DataFrame, columns: Sequence[str], budget: int, seed: int) -> pl.DataFrame: ...


def nothing(rows: pl.DataFrame, columns: Sequence[str], budget: int, seed: int) -> pl.DataFrame:
    """No sample."""
    del rows, columns, budget, seed
    return SELECTION.to_frame()


def everything(rows: pl.DataFrame, columns: Sequence[str], budget: int, seed: int) -> pl.DataFrame:
    """Every sample; budget and seed do not count."""
    del columns, budget, seed
    return unweighted(rows.sort("id"))


def highest(rows: pl.DataFrame, columns: Sequence[str], budget: int, seed: int) -> pl.DataFrame:
    """The samples with the highest values of the first column; equal ones by the next."""
    return unweighted(ranked(rows, columns, seed).head(budget))


def lowest(rows: pl.DataFrame, columns: Sequence[str], budget: int, seed: int) -> pl.DataFrame:
    """The samples with the lowest values."""
    return unweighted(ranked(rows, columns, seed, descending=False).head(budget))


def middle(rows: pl.DataFrame, columns: Sequence[str], budget: int, seed: int) -> pl.DataFrame:
    """The `budget` samples around the median, as many on either side."""
    ordered = ranked(rows, columns, seed, descending=False)
    return unweighted(ordered.slice(max(0, (rows.height - budget) // 2), budget))


def highest_below_one(rows: pl.DataFrame, columns: Sequence[str], budget: int, seed: int) -> pl.DataFrame:
    """The highest values of a ratio that says, below 1, that the prompt helps. Raises DataError where none is below."""
    (column,) = columns
    helped = rows.filter(pl.col(column) < 1)
    if helped.is_empty():
        raise DataError(
            f"select: {column} is 1 or more for all {rows.height} samples: their prompts help the model in none"
        )
    return highest(helped, columns, budget, seed)


def drawn_evenly(rows: pl.DataFrame, columns: Sequence[str], budget: int, seed: int) -> pl.DataFrame:
    """Drawn without replacement, every sample as likely as any other."""
    del columns
    return drawn(rows, pl.lit(0.0), budget, seed)


def drawn_from_high_quality(rows: pl.DataFrame, columns: Sequence[str], budget: int, seed: int) -> pl.DataFrame:
    """Drawn without replacement from the tier HQ."""
    return drawn_evenly(rows.filter(tier="HQ"), columns, budget, seed)


def drawn_from_low_quality(rows: pl.DataFrame, columns: Sequence[str], budget: int, seed: int) -> pl.DataFrame:
    """Drawn without replacement from the tier LQ."""
    return drawn_evenly(rows.filter(tier="LQ"), columns, budget, seed)


def drawn_by_weight(rows: pl.DataFrame, columns: Sequence[str], budget: int, seed: int) -> pl.DataFrame:
    """Drawn without replacement in proportion to exp(value)."""
    (column,) = columns
    return drawn(rows, pl.col(column), budget, seed)


def drawn_by_standardised_weight(rows: pl.DataFrame, columns: Sequence[str], budget: int, seed: int) -> pl.DataFrame:
    """Drawn without replacement in proportion to exp(value at unit variance / TEMPERATURE)."""
    (column,) = columns
    value = pl.col(column)
    standard = (value - value.mean()) / pl.max_horizontal(value.std(ddof=0), pl.lit(1e-12))
    return drawn(rows, standard / TEMPERATURE, budget, seed)


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
