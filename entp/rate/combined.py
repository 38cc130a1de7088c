"""Rater `combined`: what several raters agree on, computed from their ratings without a request.

Each rater's numbers become places in the pool, whatever their unit; the mean place, equal weights (our choice), is
ranked again. Raters that err in different ways correct each other; one that is worse than chance does harm.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from entp.rate.scores import HIGHEST, places, quantile_scores
from entp.records import RATINGS

NAME = "combined"
#: The places that the raters give a sample.
EVERY = pl.concat_list(pl.all())


def combine(rows: Sequence[pl.DataFrame], samples: pl.DataFrame) -> pl.DataFrame:
    """The RATINGS rows of `combined`; `rows` are those of each other rater, all in the order of `samples`.

    A sample that a rater could not rate has that rater's status and no score: means of different raters cannot be
    compared. `spread` is the standard deviation of the raters' places, on the scale 0..5.
    """
    languages = samples["language"]
    ranked = [places(rater["expected"], languages) for rater in rows]
    missing = [pl.when(rater["status"] != "rated").then(rater["status"]) for rater in rows]
    status = pl.select(pl.coalesce(*missing, pl.lit("rated"))).to_series()
    return (
        samples.select("id")
        .with_columns(quantile_scores(mean_place(ranked), languages))
        .with_columns(rater=pl.lit(NAME), status=status, spread=_over_raters(ranked, EVERY.list.std(ddof=0) * HIGHEST))
        .select(list(RATINGS))
    )


def mean_place(ranked: Sequence[pl.Series]) -> pl.Series:
    """Each sample's mean place (0..1) by the raters; null where one of them has none."""
    return _over_raters(ranked, EVERY.list.mean())


def _over_raters(ranked: Sequence[pl.Series], value: pl.Expr) -> pl.Series:
    table = pl.DataFrame([place.alias(f"{rater}") for rater, place in enumerate(ranked)])
    complete = ~pl.any_horizontal(pl.all().is_null())
    return table.select(value=pl.when(complete).then(value))["value"]
