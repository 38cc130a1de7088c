"""From a rater's own scale to scores 0..5."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import polars as pl

from entp.conversation import with_text
from entp.rate.effects import without_effects
from entp.rate.raters import RATERS
from entp.rate.rating import RawRating
from entp.records import RATINGS

HIGHEST = 5


#: Languages with fewer rated samples than this are ranked in the whole pool (our choice: five per class).
MIN_LANGUAGE_POOL = 30


def score_ratings(
    rater: str, samples: pl.DataFrame, ratings: Sequence[RawRating], regress_out: Collection[str] = ()
) -> pl.DataFrame:
    """The RATINGS rows of one rater. A rating without a value keeps its status and gets no score.

    `regress_out` names effects (`entp.rate.effects`) that are taken out of the values first.
    """
    table = samples.select("id").with_columns(
        rater=pl.lit(rater),
        status=pl.Series([rating.status for rating in ratings], dtype=pl.String),
        spread=pl.Series([rating.spread for rating in ratings], dtype=pl.Float64),
    )
    values = pl.Series([rating.value for rating in ratings], dtype=pl.Float64)
    by_order = RATERS[rater].scale == "order"
    if regress_out:
        # a rater that only orders has no unit to be linear in; its places have
        values = places(values, samples["language"]) if by_order else values
        lengths = with_text(samples)["response"].str.len_chars()
        values = without_effects(values, {"length": lengths, "source": samples["source"]}, regress_out)
    scaled = quantile_scores(values, samples["language"]) if by_order else digit_scores(values)
    return table.with_columns(scaled).select(list(RATINGS))


def quantile_scores(values: pl.Series, languages: pl.Series) -> pl.DataFrame:
    """`score` and `expected` by place among the samples of the same language; null where the value is null.

    A log-likelihood has no absolute meaning, its order has, and only inside one language: a model knows one better
    than another, and its tokenizer cuts them into pieces of different size. The score is one of six
    equally likely classes (our choice), `expected` the quantile times five.
    """
    place = places(values, languages)
    return pl.DataFrame(
        {
            "score": (place * (HIGHEST + 1)).floor().clip(0, HIGHEST).cast(pl.Int64),
            "expected": place * HIGHEST,
        }
    )


def places(values: pl.Series, languages: pl.Series) -> pl.Series:
    """Each value's quantile (0..1) among those of its language; equal values share their mean place."""
    value = pl.col("value")
    quantile = (value.rank("average") - 0.5) / value.count()
    enough = value.count().over("language") >= MIN_LANGUAGE_POOL
    pool = pl.DataFrame({"value": values, "language": languages})
    return pool.select(place=pl.when(enough).then(quantile.over("language")).otherwise(quantile))["place"]


def digit_scores(values: pl.Series) -> pl.DataFrame:
    """`score` and `expected` of a rater whose scale is 0..5 already: the nearest integer (halves go up)."""
    inside = values.clip(0, HIGHEST)
    return pl.DataFrame({"score": (inside + 0.5).floor().cast(pl.Int64), "expected": inside})
