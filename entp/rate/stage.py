"""The rate stage: raters give every kept sample a score 0..5, or a status that says why not."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl

from entp import store
from entp.config import Config, RateConfig
from entp.errors import DataError
from entp.llm.session import Session, open_session
from entp.progress import progress
from entp.rate.budget import within_budget
from entp.rate.judge import PROMPT_VERSION
from entp.rate.measures import rater_metrics, sameness, usage_metrics
from entp.rate.raters import rate_raw
from entp.rate.rating import RawRating
from entp.rate.scores import score_ratings
from entp.records import RATINGS
from entp.stages import Inputs, identity
from entp.store import Summary

REASONS_SHOWN = 5


def run(config: Config, inputs: Inputs, output: Path) -> Summary:
    """Rate the samples within the budget by each rater; publish one rating per rater and sample."""
    with store.publish(output, identity("rate", config, inputs)) as dataset:
        samples = store.read(inputs["purge"], "samples")
        inside = within_budget(samples, config.rate.max_samples, config.seed)
        metrics: dict[str, float] = {"given": float(inside.sum())}
        notes: list[str] = []
        with open_session(config.llm, store.cache_folder(output), purpose="rate") as session:
            for rater in config.rate.raters:
                ratings = _rate(rater, session, samples, inside, config.rate)
                _require_enough_rated(rater, [rating for rating in ratings if rating.status != "over_budget"], config)
                rows = score_ratings(rater, samples, ratings)
                notes += sameness(rater, rows)
                metrics |= rater_metrics(rater, rows, ratings, samples)
                dataset.write("ratings", rows, RATINGS)
            metrics |= usage_metrics(session.usage, len(config.rate.raters) * int(inside.sum()))
            notes.insert(0, f"rated by {session.model_name}; the judge's prompt is {PROMPT_VERSION}")
        return dataset.summarise(metrics, tuple(notes))


def _rate(
    rater: str, session: Session, samples: pl.DataFrame, inside: pl.Series, config: RateConfig
) -> list[RawRating]:
    """One raw rating per sample, in order; those outside the budget are not asked about."""
    chosen = samples.filter(inside)["messages"].to_list()
    with progress(f"rate: {rater}", len(chosen)) as advance:
        rated = iter(session.run(rate_raw(rater, session, chosen, config, advance)))
    return [next(rated) if asked else RawRating("over_budget") for asked in inside]


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
