"""Bootstrap intervals over pairs: a pair is drawn as a whole. Arrays in, numbers out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from entp.estimate import QUANTILES, RESAMPLES, SEED, Estimate


def mean(values: np.ndarray) -> Estimate:
    """Of the values [n] that are numbers."""
    known = values[~np.isnan(values)]
    return _estimate(len(known), lambda rows: known[rows].mean(axis=-1))


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> Estimate:
    """Sum over sum, both [n]; infinite where a resample has nothing below the line."""

    def value(rows: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.asarray(numerator[rows].sum(axis=-1) / denominator[rows].sum(axis=-1))

    return _estimate(len(numerator), value)


def difference(ours: np.ndarray, theirs: np.ndarray) -> Estimate:
    """Mean of `ours` [n] less mean of `theirs` [m], of samples drawn apart."""
    if not len(ours) or not len(theirs):
        return Estimate(np.nan, np.nan, np.nan)
    draws = [_resampled(len(side), lambda rows, side=side: side[rows].mean(axis=-1)) for side in (ours, theirs)]  # type: ignore[misc]
    low, high = _quantiles(draws[0] - draws[1][::-1])
    return Estimate(float(ours.mean() - theirs.mean()), low, high)


def _estimate(count: int, value: Callable[[np.ndarray], np.ndarray]) -> Estimate:
    if not count:
        return Estimate(np.nan, np.nan, np.nan)
    return Estimate(float(value(np.arange(count))), *_quantiles(_resampled(count, value)))


def _resampled(count: int, value: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    return value(np.random.default_rng(SEED).integers(0, count, size=(RESAMPLES, count)))


def _quantiles(draws: np.ndarray) -> tuple[float, float]:
    # Sorted, not interpolated: between a number and infinity there is no middle.
    low, high = np.quantile(draws, QUANTILES, method="nearest")
    return float(low), float(high)
