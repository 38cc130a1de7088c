"""How much a rater's numbers follow what is no merit, a sample's length and its source, and taking that out of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import polars as pl

#: Sources with fewer rated samples are taken together: the mean of a few is mostly chance (our choice).
MIN_SOURCE = 20
OTHER_SOURCES = "*"
#: Finer differences are the arithmetic's, and would make ranks of nothing.
DECIMALS = 9


def without_effects(values: pl.Series, known: Mapping[str, pl.Series], effects: Collection[str]) -> pl.Series:
    """The values less what the named effects foretell of them by least squares, with the old mean; nulls stay.

    `known` holds `length` (characters), which enters by its rank, straight and squared, and `source`, which enters by
    its mean.
    """
    rated = values.is_not_null()
    columns = [np.ones((int(rated.sum()), 1))]
    if "length" in effects:
        columns.append(_length_columns(known["length"].filter(rated)))
    if "source" in effects:
        columns.append(_source_columns(known["source"].filter(rated)))
    present = values.filter(rated).to_numpy()
    design = np.hstack(columns)
    weights, *_ = np.linalg.lstsq(design, present, rcond=None)
    cleaned = iter(np.round(present - design @ weights + present.mean(), DECIMALS) if len(present) else present)
    return pl.Series([next(cleaned) if known_value else None for known_value in rated], dtype=pl.Float64)


def length_correlation(values: pl.Series, lengths: pl.Series) -> float | None:
    """Spearman correlation of the two: how much a rater only counts words. None where either does not vary."""
    table = pl.DataFrame({"value": values, "length": lengths}).drop_nulls()
    if table["value"].n_unique() < 2 or table["length"].n_unique() < 2:
        return None
    return float(table.select(pl.corr("value", "length", method="spearman")).item())


def source_share(values: pl.Series, sources: pl.Series) -> float | None:
    """Share of the values' variance (0..1) that lies between sources, as far as chance does not explain it.

    Omega squared, 0 where it comes out negative. None with one source, or where the values do not vary.
    """
    table = pl.DataFrame({"value": values, "source": sources}).drop_nulls()
    groups, rows = table["source"].n_unique(), table.height
    if groups < 2 or rows <= groups or table["value"].n_unique() < 2:
        return None
    mean = pl.col("value").mean()
    between = float(table.select(((mean.over("source") - mean) ** 2).sum()).item())
    total = float(table.select(((pl.col("value") - mean) ** 2).sum()).item())
    inside = (total - between) / (rows - groups)
    return max(0.0, (between - (groups - 1) * inside) / (total + inside))


def _length_columns(lengths: pl.Series) -> np.ndarray:
    rank = (lengths.rank("average") / len(lengths) - 0.5).to_numpy()
    return np.column_stack([rank, rank**2])


def _source_columns(sources: pl.Series) -> np.ndarray:
    """One column of 0 and 1 for each source but the first."""
    table = pl.DataFrame({"source": sources})
    small = pl.len().over("source") < MIN_SOURCE
    names = table.select(pl.when(small).then(pl.lit(OTHER_SOURCES)).otherwise("source").alias("source"))["source"]
    columns = [(names == name).to_numpy() for name in sorted(names.unique())[1:]]
    return np.column_stack(columns) if columns else np.empty((len(names), 0))
