"""Bootstrap over seeds and items: how far a method's mean, or its lead, can be trusted. Arrays in, numbers out.

A method is a table of values [seeds, items]. Seeds and items are drawn apart, with replacement, and every value that
both drawn ones meet in counts; a lead is taken item by item, so that hard items do not blur it. (Our choice; the
two-way bootstrap of McCarthy 1969, as Owen 2007 studies it, errs on the wide side.)
"""

from __future__ import annotations

import numpy as np

from entp.estimate import QUANTILES, RESAMPLES, SEED, Estimate


def mean(values: np.ndarray) -> Estimate:
    """Of a table [seeds, items]. One seed and one item have no interval (NaN)."""
    return _estimate(float(values.mean()), _means(values, np.random.default_rng(SEED)))


def lead(values: np.ndarray, reference: np.ndarray) -> Estimate:
    """Mean of `values` [s, items] less that of `reference` [r, items], over the same items.

    Items are drawn once for both, seeds for each: seed 1 of one method is no partner of seed 1 of the other.
    """
    generator = np.random.default_rng(SEED)
    items = _weights(values.shape[1], generator)
    draws = _means(values, generator, items) - _means(reference, generator, items)
    return _estimate(float(values.mean() - reference.mean()), draws)


def _means(values: np.ndarray, generator: np.random.Generator, items: np.ndarray | None = None) -> np.ndarray:
    seeds = _weights(values.shape[0], generator)
    drawn = _weights(values.shape[1], generator) if items is None else items
    return np.asarray(((seeds @ values) * drawn).sum(axis=1))


def _weights(count: int, generator: np.random.Generator) -> np.ndarray:
    """Shares [resamples, count] of each of `count` things in a sample of as many, drawn with replacement."""
    return generator.multinomial(count, np.full(count, 1 / count), size=RESAMPLES) / count


def _estimate(value: float, draws: np.ndarray) -> Estimate:
    if np.ptp(draws) == 0:
        return Estimate(value, float("nan"), float("nan"))
    low, high = np.quantile(draws, QUANTILES)
    return Estimate(value, float(low), float(high))
