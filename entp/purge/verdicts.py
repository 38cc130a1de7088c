"""Verdicts: what the rules measure of each sample, which of them fire, and all that was said in one table."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from entp.purge.priors import limit_of
from entp.purge.rule import Rule
from entp.purge.scratch import Scratch
from entp.purge.views import with_views
from entp.text.tokens import Tokens

#: What fired: `keep` is false for a rule that drops.
FIRED = pl.Schema({"id": pl.String, "keep": pl.Boolean, "reason": pl.String, "value": pl.Float64})
#: The reason of a sample that nothing has to be said about.
PASSED = "passed"
_COLUMNS = ("id", "keep", "reason", "value")


def measure(texts: pl.DataFrame, responses: Tokens, rules: Sequence[Rule], languages: Sequence[str]) -> pl.DataFrame:
    """`id`, `source`, `language` (the response's), `length` (its characters), and a column of numbers per rule.

    `texts` has the columns of `with_text`; `responses` are the tokens of its responses in lower case.
    """
    # Lazily, so that what rules have in common is computed once.
    return (
        with_views(texts, responses, languages)
        .select(
            "id",
            "source",
            language="response_language",
            length=pl.col("response").str.len_chars(),
            **{rule.reason: rule.measure() for rule in rules},
        )
        .collect()
        # A step of its own: as part of the expressions it would have each of them computed twice.
        .with_columns(pl.col(rule.reason).fill_nan(0.0).fill_null(0.0) for rule in rules)
    )


def decide(numbers: pl.LazyFrame, rules: Sequence[Rule], limits: pl.DataFrame) -> pl.DataFrame:
    """One FIRED row per sample and rule that fired on it, by the rule's own limit or the pool's (`priors.LIMITS`).

    A rule at a time: memory holds one column of numbers.
    """
    return pl.concat([FIRED.to_frame(), *(_fired(numbers, rule, limits) for rule in rules)])


def _fired(numbers: pl.LazyFrame, rule: Rule, limits: pl.DataFrame) -> pl.DataFrame:
    return (
        numbers.filter(rule.fires(limit_of(rule, limits)))
        .select("id", keep=pl.lit(rule.action != "drop"), reason=pl.lit(rule.reason), value=pl.col(rule.reason))
        .cast(FIRED)
        .collect()
    )


def assemble_verdicts(scratch: Scratch, fired: pl.DataFrame, duplicates: pl.DataFrame) -> pl.DataFrame:
    """VERDICTS in the order of the pool, then by reason; samples without any have passed."""
    said = pl.concat(
        [
            _repaired(scratch.scan("repairs")),
            fired.select(_COLUMNS),
            duplicates.with_columns(keep=pl.lit(False), value=pl.coalesce("jaccard", "cosine")).select(_COLUMNS),
        ]
    )
    order = scratch.scan("numbers").select("id").collect().with_row_index("position")
    silent = order.select("id").join(said, on="id", how="anti")
    passed = silent.with_columns(keep=pl.lit(True), reason=pl.lit(PASSED), value=pl.lit(0.0))
    return (
        pl.concat([said, passed.select(_COLUMNS)])
        .join(order, on="id", how="left")
        .sort("position", "reason")
        .select("id", pl.lit("purge").alias("stage"), "keep", "reason", "value")
    )


def _repaired(repairs: pl.LazyFrame) -> pl.DataFrame:
    """One row per sample and repair that changed it; `value` is the number of turns."""
    return (
        repairs.select("id", "turn", reason="reasons")
        .explode("reason")
        .group_by("id", "reason")
        .agg(value=pl.col("turn").n_unique().cast(pl.Float64))
        .with_columns(keep=pl.lit(True))
        .select(_COLUMNS)
        .collect()
    )


def with_flags(verdicts: pl.DataFrame, flagged: pl.DataFrame) -> pl.DataFrame:
    """VERDICTS with those that were only flagged once it was known who stays; they have not just passed."""
    if flagged.is_empty():
        return verdicts
    silent = (pl.col("reason") == PASSED) & pl.col("id").is_in(flagged["id"].implode())
    added = flagged.select("id", pl.lit("purge").alias("stage"), "keep", "reason", "value")
    order = verdicts.select(pl.col("id").unique(maintain_order=True)).with_row_index("position")
    return (
        pl.concat([verdicts.filter(~silent), added])
        .join(order, on="id", how="left")
        .sort("position", "reason")
        .drop("position")
    )
