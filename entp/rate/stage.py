"""The rate stage: raters give every kept sample a score 0..5, or a status that says why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from entp import store
from entp.config import Config, RateConfig
from entp.errors import DataError
from entp.llm.session import Session, open_session
from entp.progress import progress
from entp.rate import combined
from entp.rate.measures import input_metrics, rater_metrics, sameness, usage_metrics
from entp.rate.raters import RATERS, rate_raw
from entp.rate.rating import RawRating
from entp.rate.scores import score_ratings
from entp.rate.subsample import within_budget
from entp.records import RATING_CRITERIA, RATINGS
from entp.stages import Inputs, identity
from entp.store import Summary

REASONS_SHOWN = 5


def run(config: Config, inputs: Inputs, output: Path) -> Summary:
    """Rate the samples within the budget by each rater; publish one rating per rater and sample."""
    with store.publish(output, identity("rate", config, inputs)) as dataset:
        samples = store.read(inputs["purge"], "samples")
        inside = within_budget(samples, config.rate.max_samples, config.seed)
        raters = [rater for rater in config.rate.raters if rater in RATERS]
        tables: dict[str, pl.DataFrame] = {}
        notes: list[str] = []
        metrics: dict[str, float] = {"given": float(inside.sum())}
        with open_session(config.llm, store.cache_folder(output), purpose="rate") as session:
            for rater in raters:
                ratings = _rate(rater, session, samples, inside, config.rate)
                _require_enough_rated(rater, [rating for rating in ratings if rating.status != "over_budget"], config)
                dataset.write("criteria", _criteria(rater, samples, ratings), RATING_CRITERIA)
                tables[rater] = score_ratings(rater, samples, ratings, config.rate.regress_out)
                notes += sameness(rater, tables[rater])
                metrics |= input_metrics(rater, ratings)
            metrics |= usage_metrics(session.usage, len(raters) * int(inside.sum()))
            notes.insert(0, f"rated by {session.model_name}{_prompts(raters)}")
        if combined.NAME in config.rate.raters:
            tables[combined.NAME] = combined.combine(list(tables.values()), samples)
        for name, rows in tables.items():
            metrics |= rater_metrics(name, rows, samples)
            dataset.write("ratings", rows, RATINGS)
        return dataset.summarise(metrics, tuple(notes))


def _rate(
    rater: str, session: Session, samples: pl.DataFrame, inside: pl.Series, config: RateConfig
) -> list[RawRating]:
    """One raw rating per sample, in order; those outside the budget are not asked about."""
    chosen = samples.filter(inside)["messages"].to_list()
    with progress(f"rate: {rater}", len(chosen)) as advance:
        rated = iter(session.run(rate_raw(rater, session, chosen, config, advance)))
    return [next(rated) if asked else RawRating("over_budget") for asked in inside]


def _criteria(rater: str, samples: pl.DataFrame, ratings: Sequence[RawRating]) -> pl.DataFrame:
    """The RATING_CRITERIA rows of one rater; none for a rater that has one number."""
    rows = [
        (sample, rater, criterion, value)
        for sample, rating in zip(samples["id"], ratings, strict=True)
        for criterion, value in rating.criteria.items()
    ]
    return pl.DataFrame(rows, schema=RATING_CRITERIA, orient="row")


def _require_enough_rated(rater: str, ratings: list[RawRating], config: Config) -> None:
    """Raises DataError with the commonest causes where too few of the given samples could be rated."""
    unrated = Counter(_cause(rating) for rating in ratings if rating.status != "rated")
    rated = len(ratings) - unrated.total()
    if rated and rated >= config.rate.min_rated_ratio * len(ratings):
        return
    causes = "; ".join(f"{count} x {cause}" for cause, count in unrated.most_common(REASONS_SHOWN))
    raise DataError(
        f"rate: rater `{rater}` scored {rated} of {len(ratings)} samples, under rate.min_rated_ratio="
        f"{config.rate.min_rated_ratio}: {causes or 'there was no sample to rate'}; "
        f"try another llm.model, a larger llm.max_context, or another list in rate.raters"
    )


def _cause(rating: RawRating) -> str:
    return f"{rating.status} ({rating.error})" if rating.error else rating.status


def _prompts(raters: Sequence[str]) -> str:
    """Which versions of which prompts the raters used."""
    used = [prompt for rater in raters if (prompt := RATERS[rater].prompt)]
    return f" with {', '.join(used)}" if used else ""
