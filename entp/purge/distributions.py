"""What each rule measured in the pool, beside its limit: for the report, and for whoever sets limits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from entp.purge.priors import limit_of
from entp.purge.rule import Rule
from entp.records import RULES

#: Bars of a rule's histogram.
BINS = 30


def distributions(numbers: pl.LazyFrame, rules: Sequence[Rule], limits: pl.DataFrame) -> pl.DataFrame:
    """One row of RULES per measured rule. Read a rule at a time: memory holds one column of numbers."""
    return pl.concat([RULES.to_frame(), *(_distribution(numbers, rule, limits) for rule in rules)])


def _distribution(numbers: pl.LazyFrame, rule: Rule, limits: pl.DataFrame) -> pl.DataFrame:
    value = pl.col(rule.reason)
    summed = numbers.select(
        samples=pl.len(),
        fired=rule.fires(limit_of(rule, limits)).sum(),
        limit=limit_of(rule, limits).median(),
        median=value.quantile(0.5, interpolation="lower"),
        p95=value.quantile(0.95, interpolation="lower"),
        p99=value.quantile(0.99, interpolation="lower"),
        maximum=value.max(),
    ).collect()
    edges, counts = _histogram(numbers.select(value).collect().to_series().to_numpy(), summed["limit"][0])
    return (
        summed.with_columns(
            reason=pl.lit(rule.reason),
            action=pl.lit(rule.action),
            measures=pl.lit(rule.title),
            edges=pl.Series([edges], dtype=pl.List(pl.Float64)),
            counts=pl.Series([counts], dtype=pl.List(pl.Int64)),
        )
        .select(list(RULES))
        .cast(RULES)
    )


def _histogram(values: np.ndarray, limit: float) -> tuple[list[float], list[int]]:
    """Equal bars from the smallest number to the 99.5 % quantile or the limit; the last holds what lies beyond."""
    low = min(float(values.min()), limit)
    high = max(float(np.quantile(values, 0.995)), limit)
    if high <= low:
        high = low + 1.0
    counts, edges = np.histogram(np.clip(values, low, high), bins=BINS, range=(low, high))
    return edges.tolist(), counts.tolist()
