"""The purge in numbers: what was kept, dropped and why; and what each rule measured in the pool, beside its limit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from entp.config import PurgeConfig
from entp.purge.personal import chosen_types
from entp.purge.priors import limit_of
from entp.purge.rule import Rule
from entp.purge.scratch import Scratch
from entp.records import CONTAMINATED, DUPLICATE_REASONS, RULES

#: Bars of a rule's histogram.
BINS = 30


def metrics(
    ingested: int, gone: int, verdicts: pl.DataFrame, rules: Sequence[Rule], scratch: Scratch, config: PurgeConfig
) -> dict[str, float]:
    """How many samples were kept, dropped and why; samples by rule, and personal data by type."""
    samples_by_reason = dict(verdicts.group_by("reason").agg(pl.col("id").n_unique()).iter_rows())
    copies = {f"{reason}s": samples_by_reason.get(reason, 0) for reason in DUPLICATE_REASONS}
    repairs = [rule.reason for rule in rules if rule.action == "repair"]
    replaced = dict(scratch.scan("personal").group_by("type").agg(pl.col("count").sum()).collect().iter_rows())
    return {
        "kept_ratio": (ingested - gone) / ingested,
        "kept": ingested - gone,
        "dropped": gone - sum(copies.values()),
        "duplicates": sum(copies.values()),
        **copies,
        CONTAMINATED: samples_by_reason.get(CONTAMINATED, 0),
        "repaired": verdicts.filter(pl.col("reason").is_in(repairs))["id"].n_unique(),
        **{f"rule/{rule.reason}": samples_by_reason.get(rule.reason, 0) for rule in rules},
        **{f"personal/{kind}": replaced.get(kind, 0) for kind in chosen_types(config.personal_data)},
    }


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
