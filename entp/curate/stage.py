"""The curate stage: correct one rater's scores by their neighbourhood, and split the pool into tiers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from entp import store
from entp.config import Config, CurateConfig
from entp.curate.tiers import assign_tiers, band_confidence
from entp.curate.transition import TransitionEstimate, estimate_by_source, estimate_transition_matrix
from entp.curate.validation import agreement, calibration_error, reliability_table
from entp.curate.vote import CuratedScores, curate_by_vote, curate_scores
from entp.embed import embed_samples
from entp.errors import DataError
from entp.neighbours import nearest
from entp.progress import progress
from entp.records import EMBEDDINGS, RELIABILITY, SCORES, TIERS, TRANSITION
from entp.stages import Inputs, identity
from entp.store import Summary

#: Scores run from 0 to N_SCORES - 1.
N_SCORES = 6
#: A sample and its two nearest neighbours make one consensus triple.
MIN_RATED = 3
DECIMALS = 6
#: Finer, so that published rows still sum to 1.
PROBABILITY_DECIMALS = 9
#: Fewer samples that another rater scored too say little about agreement.
MIN_IN_COMMON = 50


@dataclass(frozen=True)
class Curation:
    """What curation found: the `scores` and `reliability` tables, the pool's matrix, those of large sources, and the
    metrics and notes of all."""

    scores: pl.DataFrame
    reliability: pl.DataFrame
    transition: TransitionEstimate
    by_source: dict[str, TransitionEstimate]
    metrics: dict[str, float]
    notes: tuple[str, ...]


def run(config: Config, inputs: Inputs, output: Path) -> Summary:
    """Embed every sample, learn how the rater errs, vote among neighbours, and publish scores and tiers."""
    with store.publish(output, identity("curate", config, inputs)) as dataset:
        samples = store.read(inputs["purge"], "samples").sort("id")
        every_rating = store.read(inputs["rate"], "ratings")
        ratings = ratings_of(config.curate.rater, every_rating)
        scored = samples.select("id", "source").join(ratings, on="id", how="left", maintain_order="left")
        _require_rated(scored, config.curate.rater)

        with progress("curate: embed", samples.height) as advance:
            vectors = embed_samples(samples, config.embed, advance)
        curation = curate(scored, vectors, config.curate)
        _require_low_quality(curation.scores, config.curate)
        kappas = agreement_of_raters(scored, vectors, every_rating, config.curate)

        dataset.write("scores", curation.scores, SCORES)
        dataset.write("embeddings", pl.DataFrame({"id": samples["id"], "vector": vectors}), EMBEDDINGS)
        dataset.write("transition", transition_table(curation.transition, curation.by_source), TRANSITION)
        dataset.write("reliability", curation.reliability, RELIABILITY)
        return dataset.summarise({**curation.metrics, **kappas}, curation.notes)


def ratings_of(rater: str, ratings: pl.DataFrame) -> pl.DataFrame:
    """`id`, `status` and `score` by one rater. Raises DataError where it rated nothing in this run."""
    chosen = ratings.filter(rater=rater)
    if chosen.is_empty():
        present = ", ".join(sorted(ratings["rater"].unique())) or "none"
        raise DataError(
            f"curate.rater={rater}: the rate stage holds no ratings by this rater (there are: {present}); "
            f"add it to rate.raters, or name another in curate.rater"
        )
    return chosen.select("id", "status", "score")


def curate(scored: pl.DataFrame, vectors: np.ndarray, config: CurateConfig) -> Curation:
    """Curate the rated rows of `scored` (`id`, `source`, `score` or null); the unrated are undecided with confidence 0.

    `vectors` are the unit-length embeddings of the same rows.
    """
    rated = np.flatnonzero(scored["score"].is_not_null().to_numpy())
    observed = scored["score"].to_numpy()[rated].astype(np.int64)
    with progress("curate: neighbours", len(rated)) as advance:
        neighbours, distances = nearest(vectors[rated], config.neighbours, advance, config.approximate_from)
    transition = estimate_transition_matrix(observed, neighbours, N_SCORES, config.bootstrap)
    sources = scored["source"].to_numpy()[rated]
    by_source = estimate_by_source(observed, neighbours, sources, transition, config.bootstrap)
    voted = vote(observed, neighbours, distances, transition, config)
    confidence = np.round(band_confidence(voted.votes, voted.curated, config), DECIMALS)
    verdicts = pl.DataFrame(
        {
            "id": scored["id"].gather(rated),
            "score_curated": voted.curated,
            "neighbours_score": np.round(observed[neighbours].mean(axis=1), DECIMALS),
            "confidence": confidence,
            "tier": assign_tiers(voted.curated, confidence, config).astype(str),
        }
    )
    scores = (
        scored.select("id", pl.col("score").alias("score_raw"))
        .join(verdicts, on="id", how="left", maintain_order="left")
        .with_columns(pl.col("confidence").fill_null(0.0), pl.col("tier").fill_null("undecided"))
    )
    reliability = reliability_table(voted.predicted, observed)
    metrics = {
        **{f"{tier.lower()}_ratio": scores.filter(tier=tier).height / scores.height for tier in TIERS},
        "unrated_ratio": 1 - len(rated) / scores.height,
        "changed_ratio": float((voted.curated != observed).mean()),
        "flagged_ratio": float(voted.flagged.mean()),
        "mean_confidence": float(confidence.mean()),
        "agreement": transition.agreement,
        "chance_agreement": transition.chance_agreement,
        "identifiable": float(transition.identifiable),
        "neighbours_sharing": transition.sharing,
        "transition_diagonal": float(np.diag(transition.matrix).mean()),
        "transition_residual": transition.residual,
        "transition_misfit": transition.misfit,
        "calibration_error": calibration_error(reliability),
        "diversity": long_tail_diversity(distances),
    }
    rounded = {name: round(value, DECIMALS) for name, value in metrics.items()}
    return Curation(scores, reliability, transition, by_source, rounded, _notes(transition, config))


def vote(
    observed: np.ndarray,
    neighbours: np.ndarray,
    distances: np.ndarray,
    transition: TransitionEstimate,
    config: CurateConfig,
) -> CuratedScores:
    """The vote that `curate.vote` names; DS2's where the matrix is not identifiable, for Bayes would take it at its
    word."""
    rule = curate_scores if config.vote == "bayes" and transition.identifiable else curate_by_vote
    return rule(observed, neighbours, distances, transition.matrix, transition.prior, config.relabel_confidence)


def agreement_of_raters(
    scored: pl.DataFrame, vectors: np.ndarray, ratings: pl.DataFrame, config: CurateConfig
) -> dict[str, float]:
    """Quadratic kappa between the curated rater and each other one, over the samples that both scored: as given
    (`raw`), with each curated alone (`curated`), and with strangers in place of neighbours (`control`).

    `combined` is left out: it is made of the others."""
    kappas: dict[str, float] = {}
    others = sorted(set(ratings["rater"]) - {config.rater, "combined"}) if config.rater != "combined" else []
    for other in others:
        theirs = ratings.filter(rater=other).select("id", theirs="score")
        both = scored.join(theirs, on="id", how="left", maintain_order="left")
        rows = np.flatnonzero((both["score"].is_not_null() & both["theirs"].is_not_null()).to_numpy())
        if len(rows) < MIN_IN_COMMON:
            continue
        neighbours, distances = nearest(vectors[rows], config.neighbours, approximate_from=config.approximate_from)
        pair = [both[column].to_numpy()[rows].astype(np.int64) for column in ("score", "theirs")]
        curates = [partial(_curated_alone, estimate=_estimate(one, neighbours), config=config) for one in pair]
        found = agreement(pair[0], pair[1], neighbours, distances, (curates[0], curates[1]))
        kappas |= {f"kappa/{other}/{name}": round(value, DECIMALS) for name, value in found.items()}
    return kappas


def _estimate(observed: np.ndarray, neighbours: np.ndarray) -> TransitionEstimate:
    return estimate_transition_matrix(observed, neighbours, N_SCORES, rounds=0)


def _curated_alone(
    observed: np.ndarray,
    neighbours: np.ndarray,
    distances: np.ndarray,
    *,
    estimate: TransitionEstimate,
    config: CurateConfig,
) -> np.ndarray:
    return vote(observed, neighbours, distances, estimate, config).curated


def long_tail_diversity(distances: np.ndarray) -> float:
    """Mean over samples of 2 / (1 + exp(-x)) - 1, x the mean cosine distance to the nearest (DS2, section 3.4).

    0 where all samples are the same; 0.46 where all are orthogonal.
    """
    mean_distance = distances.mean(axis=1)
    return float((2.0 / (1.0 + np.exp(-mean_distance)) - 1.0).mean())


def transition_table(pooled: TransitionEstimate, by_source: dict[str, TransitionEstimate]) -> pl.DataFrame:
    """One row per cell of each matrix, with its interval and the prior of its true score; the pool's have no source."""
    named = [(None, pooled), *by_source.items()]
    return pl.concat([_cells(source, estimate) for source, estimate in named])


def _cells(source: str | None, estimate: TransitionEstimate) -> pl.DataFrame:
    true, observed = np.indices(estimate.matrix.shape)
    intervals = estimate.intervals
    bounds = (None, None) if intervals is None else (intervals.matrix_low, intervals.matrix_high)
    low, high = (None if bound is None else np.round(bound, PROBABILITY_DECIMALS).ravel() for bound in bounds)
    return pl.DataFrame(
        {
            "source": source,
            "true": true.ravel(),
            "observed": observed.ravel(),
            "probability": np.round(estimate.matrix, PROBABILITY_DECIMALS).ravel(),
            "low": low,
            "high": high,
            "prior": np.round(estimate.prior, PROBABILITY_DECIMALS)[true.ravel()],
        },
        schema=TRANSITION,
    )


def _notes(transition: TransitionEstimate, config: CurateConfig) -> tuple[str, ...]:
    if transition.identifiable:
        return transition.cautions
    if config.vote == "bayes":
        return (f"{transition.warning}; so neighbours vote by nearness, as with curate.vote=ds2",)
    return (transition.warning,)


def _require_rated(scored: pl.DataFrame, rater: str) -> None:
    rated = scored["score"].count()
    if rated >= MIN_RATED:
        return
    statuses = scored.filter(pl.col("score").is_null())["status"].fill_null("never given to the rater")
    commonest = statuses.value_counts(sort=True).head(5).iter_rows()
    reasons = "; ".join(f"{status}: {count}" for status, count in commonest)
    raise DataError(
        f"curate: {rated} of {scored.height} samples have a score by rater {rater}, at least {MIN_RATED} are needed "
        f"({reasons}); raise rate.max_samples, fix the rater, or name another in curate.rater"
    )


def _require_low_quality(scores: pl.DataFrame, config: CurateConfig) -> None:
    if not scores.filter(tier="LQ").is_empty():
        return
    curated = scores["score_curated"].drop_nulls().value_counts().sort("score_curated").iter_rows()
    counts = ", ".join(f"score {score}: {count}" for score, count in curated)
    unsure = scores.filter(pl.col("score_curated") <= config.low_quality_to).height
    raise DataError(
        f"curate: no sample is low quality ({counts}; {unsure} at or under curate.low_quality_to="
        f"{config.low_quality_to} but less sure than curate.min_confidence={config.min_confidence}), so there is "
        "nothing to mix; raise curate.low_quality_to or lower curate.min_confidence"
    )
