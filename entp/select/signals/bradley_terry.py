"""Strengths from pairwise judgements (Bradley & Terry 1952)."""

from __future__ import annotations

import numpy as np

#: Variance of the normal prior on strengths: keeps those that always won, or never, finite (our choice).
PRIOR_VARIANCE = 10.0


def strengths(pairs: np.ndarray, first_wins: np.ndarray, count: int) -> np.ndarray:
    """Strengths s [count] with P(i beats j) = sigmoid(s_i - s_j); their mean is 0, NaN for those in no pair.

    `pairs` [m, 2] are numbers of samples, `first_wins` [m] the probability (0..1) that the first is the better. Maximum
    a posteriori under a normal prior.
    """
    from scipy.optimize import minimize

    first, second = pairs[:, 0], pairs[:, 1]

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        margin = values[first] - values[second]
        # -log sigmoid(m) = log(1 + e^-m); the second's win is sigmoid(-m).
        lost = first_wins * np.logaddexp(0, -margin) + (1 - first_wins) * np.logaddexp(0, margin)
        slope = 1 / (1 + np.exp(-margin)) - first_wins
        gradient = np.bincount(first, slope, count) - np.bincount(second, slope, count) + values / PRIOR_VARIANCE
        return float(lost.sum() + (values**2).sum() / (2 * PRIOR_VARIANCE)), gradient

    found = minimize(loss, np.zeros(count), jac=True, method="L-BFGS-B", options={"maxiter": 1000, "ftol": 1e-12}).x
    found[np.bincount(pairs.ravel(), minlength=count) == 0] = np.nan
    return np.asarray(found - np.nanmean(found)) if len(pairs) else found
