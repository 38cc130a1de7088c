"""Whether curation can be believed.

Does it bring raters together, and by more than smoothing would? Do its forecasts of the rater's scores come true as
often as they say?
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

#: What curates one rater's scores [n] with these neighbours and distances [n, k].
Curate = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
BINS = 10
DECIMALS = 6


def quadratic_kappa(first: np.ndarray, second: np.ndarray, n_scores: int) -> float:
    """Cohen's kappa with squared differences as weights: 1 is full agreement, 0 what chance gives.

    0 where both raters always give one same score.
    """
    together = np.bincount(first * n_scores + second, minlength=n_scores**2).reshape(n_scores, n_scores)
    far = np.subtract.outer(np.arange(n_scores), np.arange(n_scores)) ** 2
    by_chance = (far * np.outer(together.sum(axis=1), together.sum(axis=0))).sum() / together.sum()
    return 1.0 - float((far * together).sum() / by_chance) if by_chance else 0.0


def strangers(neighbours: np.ndarray, distances: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Each sample with another's neighbours and distances: a control in which a vote can only smooth.

    All raters get the same strangers, as they get the same neighbours.
    """
    order = np.random.default_rng(seed).permutation(len(neighbours))
    return neighbours[order], distances[order]


def agreement(
    first: np.ndarray, second: np.ndarray, neighbours: np.ndarray, distances: np.ndarray, curates: tuple[Curate, Curate]
) -> dict[str, float]:
    """Quadratic kappa of two raters' scores [n] as given, with each curated alone, and with strangers' votes."""
    n_scores = int(max(first.max(), second.max())) + 1
    kappas = {"raw": quadratic_kappa(first, second, n_scores)}
    for name, graph in (("curated", (neighbours, distances)), ("control", strangers(neighbours, distances))):
        pair = [curate(scores, *graph) for curate, scores in zip(curates, (first, second), strict=True)]
        kappas[name] = quadratic_kappa(pair[0], pair[1], n_scores)
    return kappas


def reliability_table(predicted: np.ndarray, observed: np.ndarray) -> pl.DataFrame:
    """Forecasts "the rater gives score s" of all samples and scores, in ten groups of the forecast probability."""
    came_true = np.zeros(predicted.shape)
    came_true[np.arange(len(observed)), observed] = 1.0
    group = np.minimum((predicted * BINS).astype(int), BINS - 1)
    forecasts = pl.DataFrame({"group": group.ravel(), "predicted": predicted.ravel(), "observed": came_true.ravel()})
    return (
        forecasts.group_by("group")
        .agg(pl.col("predicted", "observed").mean().round(DECIMALS), pl.len().cast(pl.Int64).alias("forecasts"))
        .sort("group")
        .drop("group")
    )


def calibration_error(reliability: pl.DataFrame) -> float:
    """Mean distance between the forecast and what came true, over all forecasts (0..1)."""
    off = (pl.col("predicted") - pl.col("observed")).abs()
    return float(reliability.select((off * pl.col("forecasts")).sum() / pl.col("forecasts").sum()).item())
