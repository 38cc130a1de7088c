"""The curate stage: correct one rater's scores by their neighbourhood, and split the pool into tiers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from entp import store
from entp.config import Config, CurateConfig
from entp.curate.neighbours import nearest
from entp.curate.tiers import assign_tiers, band_confidence
from entp.curate.transition import TransitionEstimate, estimate_transition_matrix
from entp.curate.vote import curate_scores
from entp.embed import embed
from entp.errors import DataError
from entp.progress import progress
from entp.records import EMBEDDINGS, SCORES, TIERS, TRANSITION, with_text
from entp.stages import Inputs, identity
from entp.store import Summary

#: Scores run from 0 to N_SCORES - 1.
N_SCORES = 6
#: A sample and its two nearest neighbours make one consensus triple.
MIN_RATED = 3
DECIMALS = 6
#: Finer, so that published rows still sum to 1.
PROBABILITY_DECIMALS = 9


@dataclass(frozen=True)
class Curation:
    """What curation found: the `scores` table, the matrix, and the metrics of both."""

    scores: pl.DataFrame
    transition: TransitionEstimate
    metrics: dict[str, float]


def run(config: Config, inputs: Inputs, output: Path) -> Summary:
    """Embed every sample, learn how the rater errs, vote among neighbours, and publish scores and tiers."""
    with store.publish(output, identity("curate", config, inputs)) as dataset:
        samples = store.read(inputs["purge"], "samples").sort("id")
        ratings = ratings_of(config.curate.rater, store.read(inputs["rate"], "ratings"))
        scored = samples.select("id").join(ratings, on="id", how="left", maintain_order="left")
        _require_rated(scored, config.curate.rater)

        texts = with_text(samples).select(pl.concat_str("prompt", "response", separator="\n")).to_series().to_list()
        with progress("curate: embed", len(texts)) as advance:
            vectors = embed(texts, config.embed, advance)
        curation = curate(scored, vectors, config.curate)
        _require_low_quality(curation.scores, config.curate)

        dataset.write("scores", curation.scores, SCORES)
        dataset.write("embeddings", pl.DataFrame({"id": samples["id"], "vector": vectors}), EMBEDDINGS)
        dataset.write("transition", transition_table(curation.transition), TRANSITION)
        warning = curation.transition.warning
        return dataset.summarise(curation.metrics, (warning,) if warning else ())


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
    """Curate the rated rows of `scored` (`id`, `score` or null); the unrated are undecided with confidence 0.

    `vectors` are the unit-length embeddings of the same rows.
    """
    rated = np.flatnonzero(scored["score"].is_not_null().to_numpy())
    observed = scored["score"].to_numpy()[rated].astype(np.int64)
    with progress("curate: neighbours", len(rated)) as advance:
        neighbours, distances = nearest(vectors[rated], config.neighbours, advance)
    transition = estimate_transition_matrix(observed, neighbours, N_SCORES)
    voted = curate_scores(
        observed, neighbours, distances, transition.matrix, transition.prior, config.relabel_confidence
    )
    confidence = np.round(band_confidence(voted.votes, voted.curated, config), DECIMALS)
    verdicts = pl.DataFrame(
        {
            "id": scored["id"].gather(rated),
            "score_curated": voted.curated,
            "confidence": confidence,
            "tier": assign_tiers(voted.curated, confidence, config).astype(str),
        }
    )
    scores = (
        scored.select("id", pl.col("score").alias("score_raw"))
        .join(verdicts, on="id", how="left", maintain_order="left")
        .with_columns(pl.col("confidence").fill_null(0.0), pl.col("tier").fill_null("undecided"))
    )
    metrics = {
        **{f"{tier.lower()}_ratio": scores.filter(tier=tier).height / scores.height for tier in TIERS},
        "unrated_ratio": 1 - len(rated) / scores.height,
        "changed_ratio": float((voted.curated != observed).mean()),
        "flagged_ratio": float(voted.flagged.mean()),
        "mean_confidence": float(confidence.mean()),
        "agreement": transition.agreement,
        "chance_agreement": transition.chance_agreement,
        "identifiable": float(transition.identifiable),
        "transition_diagonal": float(np.diag(transition.matrix).mean()),
        "transition_residual": transition.residual,
        "diversity": long_tail_diversity(distances),
    }
    return Curation(scores, transition, {name: round(value, DECIMALS) for name, value in metrics.items()})


def long_tail_diversity(distances: np.ndarray) -> float:
    """Mean over samples of 2 / (1 + exp(-x)) - 1, x the mean cosine distance to the nearest (DS2, section 3.4).

    0 where all samples are the same; 0.46 where all are orthogonal.
    """
    mean_distance = distances.mean(axis=1)
    return float((2.0 / (1.0 + np.exp(-mean_distance)) - 1.0).mean())


def transition_table(transition: TransitionEstimate) -> pl.DataFrame:
    """One row per cell of the matrix, with the prior of its true score."""
    true, observed = np.indices(transition.matrix.shape)
    return pl.DataFrame(
        {
            "true": true.ravel(),
            "observed": observed.ravel(),
            "probability": np.round(transition.matrix, PROBABILITY_DECIMALS).ravel(),
            "prior": np.round(transition.prior, PROBABILITY_DECIMALS)[true.ravel()],
        }
    )


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
