"""Estimates with bootstrap intervals (percentiles; Efron 1979). Arrays in, numbers out; the same every time.

What is drawn again, with replacement, is what another run would bring anew. For `entp ablate` that is pairs: a pair
is drawn as a whole. For a comparison of trained models it is seeds and items, drawn apart: a method is a table of
values [seeds, items], and every value that both drawn ones meet in counts. (Our choice; the two-way bootstrap of
McCarthy 1969, as Owen 2007 studies it, errs on the wide side.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 4000
SEED = 0
#: The percentiles that hold CONFIDENCE between them.
QUANTILES = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)


class Estimate(NamedTuple):
    """A value and its 95 % percentile interval; NaN where there is nothing to tell it from."""

    value: float
    low: float
    high: float


UNKNOWN = Estimate(np.nan, np.nan, np.nan)


def mean(values: np.ndarray) -> Estimate:
    """Mean of the values [n] that are numbers."""
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
        return UNKNOWN
    draws = [_resampled(len(side), lambda rows, side=side: side[rows].mean(axis=-1)) for side in (ours, theirs)]  # type: ignore[misc]
    low, high = _quantiles(draws[0] - draws[1][::-1])
    return Estimate(float(ours.mean() - theirs.mean()), low, high)


def two_way_mean(values: np.ndarray) -> Estimate:
    """Mean of a table [seeds, items]. One seed and one item have no interval (NaN)."""
    return _two_way_estimate(float(values.mean()), _two_way_means(values, np.random.default_rng(SEED)))


def two_way_lead(values: np.ndarray, reference: np.ndarray) -> Estimate:
    """Mean of `values` [s, items] less that of `reference` [r, items], over the same items.

    Items are drawn once for both, so that hard ones do not blur the lead; seeds for each: seed 1 of one method is no
    partner of seed 1 of the other.
    """
    generator = np.random.default_rng(SEED)
    items = _weights(values.shape[1], generator)
    draws = _two_way_means(values, generator, items) - _two_way_means(reference, generator, items)
    return _two_way_estimate(float(values.mean() - reference.mean()), draws)


def _estimate(count: int, value: Callable[[np.ndarray], np.ndarray]) -> Estimate:
    if not count:
        return UNKNOWN
    return Estimate(float(value(np.arange(count))), *_quantiles(_resampled(count, value)))


def _resampled(count: int, value: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    return value(np.random.default_rng(SEED).integers(0, count, size=(RESAMPLES, count)))


def _quantiles(draws: np.ndarray) -> tuple[float, float]:
    # Sorted, not interpolated: between a number and infinity there is no middle.
    low, high = np.quantile(draws, QUANTILES, method="nearest")
    return float(low), float(high)


def _two_way_means(values: np.ndarray, generator: np.random.Generator, items: np.ndarray | None = None) -> np.ndarray:
    seeds = _weights(values.shape[0], generator)
    drawn = _weights(values.shape[1], generator) if items is None else items
    return np.asarray(((seeds @ values) * drawn).sum(axis=1))


def _weights(count: int, generator: np.random.Generator) -> np.ndarray:
    """Shares [resamples, count] of each of `count` things in a sample of as many, drawn with replacement."""
    return generator.multinomial(count, np.full(count, 1 / count), size=RESAMPLES) / count


def _two_way_estimate(value: float, draws: np.ndarray) -> Estimate:
    if np.ptp(draws) == 0:
        return Estimate(value, np.nan, np.nan)
    low, high = np.quantile(draws, QUANTILES)
    return Estimate(value, float(low), float(high))
