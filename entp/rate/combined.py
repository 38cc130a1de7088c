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


def combine(rows: Sequence[pl.DataFrame], samples: pl.DataFrame) -> pl.DataFrame:
    """The RATINGS rows of `combined`; `rows` are those of each other rater, all in the order of `samples`.

    A sample that a rater could not rate has that rater's status and no score: means of different raters cannot be
    compared. `spread` is the standard deviation of the raters' places, on the scale 0..5.
    """
    languages = samples["language"]
    table = pl.DataFrame({f"{place}": places(rater["expected"], languages) for place, rater in enumerate(rows)})
    every = pl.concat_list(pl.all())
    complete = ~pl.any_horizontal(pl.all().is_null())
    mean = table.select(pl.when(complete).then(every.list.mean())).to_series()
    spread = table.select(pl.when(complete).then(every.list.std(ddof=0) * HIGHEST)).to_series()
    missing = [pl.when(rater["status"] != "rated").then(rater["status"]) for rater in rows]
    status = pl.select(pl.coalesce(*missing, pl.lit("rated"))).to_series()
    return (
        samples.select("id")
        .with_columns(quantile_scores(mean, languages))
        .with_columns(rater=pl.lit(NAME), status=status, spread=spread)
        .select(list(RATINGS))
    )
