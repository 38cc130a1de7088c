"""Measure samples by rules, and let the priors decide."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from entp.purge.priors import limit_of
from entp.purge.rule import Rule
from entp.purge.views import with_views
from entp.text.tokens import Tokens

#: What fired, and on which answer (`turn`, null for a sample as a whole): `keep` is false for a rule that drops.
FIRED = pl.Schema({"id": pl.String, "keep": pl.Boolean, "reason": pl.String, "value": pl.Float64, "turn": pl.Int64})


def measure(texts: pl.DataFrame, responses: Tokens, rules: Sequence[Rule], languages: Sequence[str]) -> pl.DataFrame:
    """`id`, `turn`, `source`, `language` (the answer's), `length` (its characters), and a column of numbers per rule.

    `texts` has the columns of `answers`; `responses` are the tokens of its responses in lower case.
    """
    # Lazily, so that what rules have in common is computed once.
    return (
        with_views(texts, responses, languages)
        .select(
            "id",
            "turn",
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

    Of several answers of a sample it is the first that the rule fired on.

    A rule at a time: memory holds one column of numbers.
    """
    return pl.concat([FIRED.to_frame(), *(_fired(numbers, rule, limits) for rule in rules)])


def _fired(numbers: pl.LazyFrame, rule: Rule, limits: pl.DataFrame) -> pl.DataFrame:
    return (
        numbers.filter(rule.fires(limit_of(rule, limits)))
        .select("id", "turn", keep=pl.lit(rule.action != "drop"), reason=pl.lit(rule.reason), value=pl.col(rule.reason))
        .unique("id", keep="first", maintain_order=True)
        .select(list(FIRED))
        .cast(FIRED)
        .collect()
    )
