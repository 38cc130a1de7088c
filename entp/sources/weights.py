"""How much of each source to take: weights [k] that are 0 or more and add up to 1. Arrays in, arrays out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from entp.errors import DataError, UsageError

#: Of DoReMi's update: the step size, and the share of the weights that is spread evenly (the paper's; the authors'
#: code spreads 1e-4).
STEP = 1.0
SMOOTHING = 1e-3


def fixed(shares: ArrayLike) -> np.ndarray:
    """The shares [k] that somebody chose, made to add up to 1: p_i = s_i / sum s.

    Raises UsageError where one is below 0 or no number, or none is above 0.
    """
    given = np.asarray(shares, dtype=np.float64)
    if given.ndim != 1 or not np.isfinite(given).all() or (given < 0).any() or not (given > 0).any():
        raise UsageError(f"source shares must be numbers of 0 or more, one at least above 0; they are {given.tolist()}")
    # By the largest first: the sum of very large shares is no number.
    scaled = given / given.max()
    return np.asarray(scaled / scaled.sum())


def by_temperature(counts: ArrayLike, temperature: float) -> np.ndarray:
    """p_i ~ n_i^(1/T) for sources of n_i rows: T = 1 in proportion, T to infinity all alike, T below 1 the large ones.

    Source: Arivazhagan et al. 2019 (arXiv 1907.05019), who take T = 5. Raises UsageError for a temperature that is not
    above 0, DataError for a source without rows.
    """
    if not temperature > 0:
        raise UsageError(f"the temperature of source weights must be above 0; it is {temperature}")
    sizes = _numbers(counts, "rows")
    if (sizes <= 0).any():
        raise DataError(f"source {int(np.argmax(sizes <= 0))} has no rows to take: leave it out, and weigh the others")
    return _softmax(np.log(sizes) / temperature)


def by_entropy(entropies: ArrayLike) -> np.ndarray:
    """p_i ~ exp(H_i): more of a source whose text is harder to foresee. H_i in nats, as of `entp.sources.entropy`.

    Source: entropy as a stand-in for a proxy model is BiMix's (Ge et al. 2024, arXiv 2405.14908); the exponential, the
    number of choices that an entropy amounts to, is our choice. Raises DataError for an entropy that is no number.
    """
    return _softmax(_numbers(entropies, "entropy"))


def doremi_step(
    weights: ArrayLike, excess: ArrayLike, *, step: float = STEP, smoothing: float = SMOOTHING
) -> np.ndarray:
    """The weights [k] after one step of DoReMi: more of the sources in which the proxy lags behind the reference.

    w_i' ~ w_i exp(step * max(excess_i, 0)), then (1 - c) w' + c / k with c the smoothing. `excess` [k] is the proxy's
    loss over the reference's, in nats per token; the paper clips it token by token, before the mean, which a caller who
    has losses of tokens does first. Source: Xie et al. 2023 (arXiv 2305.10429), algorithm 1.

    Raises DataError where an excess is no number (a source not in the batch keeps its last one) or the weights have
    another length, UsageError for weights that `fixed` refuses.
    """
    before, lag = fixed(weights), _numbers(excess, "excess loss")
    if before.shape != lag.shape:
        raise DataError(f"there are {len(before)} source weights, but excess losses of {len(lag)} sources")
    with np.errstate(divide="ignore"):
        after = _softmax(np.log(before) + step * np.maximum(lag, 0.0))
    return np.asarray((1 - smoothing) * after + smoothing / len(after))


def _numbers(values: ArrayLike, what: str) -> np.ndarray:
    given = np.asarray(values, dtype=np.float64)
    if given.ndim != 1 or not given.size:
        raise DataError(f"there is no source to weigh: one {what} per source is wanted, not shape {given.shape}")
    if not np.isfinite(given).all():
        raise DataError(f"the {what} of source {int(np.argmin(np.isfinite(given)))} is no finite number")
    return given


def _softmax(logs: np.ndarray) -> np.ndarray:
    exact = np.exp(logs - logs.max())
    return np.asarray(exact / exact.sum())
