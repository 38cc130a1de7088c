"""Whether forecasts of the rater's scores come true as often as they say."""

from __future__ import annotations

import numpy as np
import polars as pl

BINS = 10
DECIMALS = 6


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
