"""Measure every sample by every rule, and let the priors decide."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from entp.progress import Advance
from entp.purge.rule import Rule
from entp.purge.views import with_views

#: Samples measured at a time: bounds memory, and gives the bar something to show.
BATCH = 5_000
#: What fired: `keep` is false for a rule that drops.
FIRED = pl.Schema({"id": pl.String, "keep": pl.Boolean, "reason": pl.String, "value": pl.Float64})


def judge(samples: pl.DataFrame, rules: Sequence[Rule], languages: Sequence[str], advance: Advance) -> pl.DataFrame:
    """One FIRED row per sample and rule that fired on it; quantile priors are learnt from these samples."""
    measured = [measure(batch, rules, languages, advance) for batch in samples.iter_slices(BATCH)]
    if not measured:
        return FIRED.to_frame()
    values = pl.concat(measured)
    return pl.concat([FIRED.to_frame(), *(_fired(values, rule) for rule in rules)])


def measure(
    samples: pl.DataFrame, rules: Sequence[Rule], languages: Sequence[str], advance: Advance | None = None
) -> pl.DataFrame:
    """`id`, `source`, and each rule's number, in a column named by its reason."""
    # Lazily, so that what rules have in common is computed once.
    numbers = (
        with_views(samples, languages).lazy().select("id", "source", *(rule.measure() for rule in rules)).collect()
    )
    if advance:
        advance(samples.height)
    return numbers


def _fired(values: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    if rule.prior is None:
        raise ValueError(f"{rule.reason} is a repair and has nothing to measure")
    return values.filter(rule.prior.fires(pl.col(rule.reason))).select(
        "id",
        keep=pl.lit(rule.action != "drop"),
        reason=pl.lit(rule.reason),
        value=pl.col(rule.reason),
    )
