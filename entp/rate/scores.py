"""From a rater's own scale to scores 0..5."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from entp.rate.rating import RawRating
from entp.records import RATINGS

HIGHEST = 5


#: Languages with fewer rated samples than this are ranked in the whole pool (our choice: five per class).
MIN_LANGUAGE_POOL = 30


def score_ratings(rater: str, samples: pl.DataFrame, ratings: Sequence[RawRating]) -> pl.DataFrame:
    """The RATINGS rows of one rater. A rating without a value keeps its status and gets no score."""
    table = samples.select("id", "language").with_columns(
        rater=pl.lit(rater),
        status=pl.Series([rating.status for rating in ratings], dtype=pl.String),
        value=pl.Series([rating.value for rating in ratings], dtype=pl.Float64),
        spread=pl.Series([rating.spread for rating in ratings], dtype=pl.Float64),
    )
    scaled = (
        quantile_scores(table["value"], table["language"]) if rater == "likelihood" else digit_scores(table["value"])
    )
    return table.with_columns(scaled).select(list(RATINGS))


def quantile_scores(values: pl.Series, languages: pl.Series) -> pl.DataFrame:
    """`score` and `expected` by place among the samples of the same language; null where the value is null.

    A log-likelihood has no absolute meaning, its order has, and only inside one language: a model knows one better
    than another, and its tokenizer cuts them into pieces of different size. The score is one of six
    equally likely classes (our choice), `expected` the quantile times five. Equal values share their mean rank, so
    they get equal scores.
    """
    pool = pl.DataFrame({"value": values, "language": languages})
    value = pl.col("value")
    quantile = (value.rank("average") - 0.5) / value.count()
    enough = value.count().over("language") >= MIN_LANGUAGE_POOL
    return (
        pool.with_columns(place=pl.when(enough).then(quantile.over("language")).otherwise(quantile))
        .with_columns(
            score=(pl.col("place") * (HIGHEST + 1)).floor().clip(0, HIGHEST).cast(pl.Int64),
            expected=pl.col("place") * HIGHEST,
        )
        .select("score", "expected")
    )


def digit_scores(values: pl.Series) -> pl.DataFrame:
    """`score` and `expected` of a rater whose scale is 0..5 already: the nearest integer (halves go up)."""
    return pl.DataFrame({"score": (values + 0.5).floor().cast(pl.Int64), "expected": values})
