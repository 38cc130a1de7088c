"""Fit of the consensus: which rater, and which neighbourhood, would give the triples that were counted.

The model has four parts: the prior p of the true scores, the rater's matrix T, the neighbourhood K, where
K[t, u] = P(a neighbour's true score is u | the sample's is t), and the share h of odd samples, between two neighbours
that share a true score with each other and not with it:

    P(sample a, neighbours b and c) = (1 - h) sum_t p[t] T[t, a] B[t, b] B[t, c]      with B = K T
                                    + h (sum_t p[t] T[t, a]) (sum_u p[u] T[u, b] T[u, c])

The first line is a mixture of three independent looks, which determines its parts, up to their order, from the
third-order consensus alone (Kruskal; Allman, Matias and Rhodes 2009). So neighbours need not share the true score: it
is enough that they tell something about it. DS2 sets K to the identity and h to 0. The first- and second-order
consensus are margins of the third.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

#: The believed T and K: softmax of 5 on and -1 off the diagonal, as DS2 initialises T (0.988 on the diagonal of 6).
BELIEVED_LOGITS = (5.0, -1.0)
#: Diagonals of the matrices that the fit starts from (besides the believed one). The mismatch is not convex.
START_DIAGONALS = (0.4, 0.6, 0.8)
START_SHARING = 0.8
START_ODD = 0.05
MAX_ITERATIONS = 2000
#: Relative gain of an iteration at which a descent ends, and at which one ends that begins at the solution of almost
#: the same consensus (a bootstrap's).
PRECISE, ROUGH = 1e-12, 1e-8
#: Share that a score never observed is taken to have.
RARE = 1e-3
TINY = 1e-300


@dataclass(frozen=True)
class Fit:
    """`matrices` [raters, s, s], `prior` [s], `neighbourhood` [s, s] (K), `odd` (h) and the mismatch reached (nats)."""

    matrices: np.ndarray
    prior: np.ndarray
    neighbourhood: np.ndarray
    odd: float
    mismatch: float
    iterations: int

    def analytic(self) -> np.ndarray:
        """The consensus [w, w, w] that this fit predicts."""
        hub = np.concatenate(list(self.matrices), axis=1)
        near = self.neighbourhood @ hub
        shared = np.einsum("ta,tb,tc->abc", self.prior[:, None] * hub, near, near)
        return (1 - self.odd) * shared + self.odd * np.multiply.outer(self.prior @ hub, (self.prior * hub.T) @ hub)


@dataclass(frozen=True)
class Belief:
    """What the fit leans on. T is held near `matrices` [raters, s, s], and K near the identity, by `weight` samples of
    each true score; p is held near the observed shares by `prior_weight` samples. Both as shares of all samples."""

    matrices: np.ndarray
    weight: float
    prior_weight: float


def fit_consensus(
    counted: np.ndarray, n_scores: int, belief: Belief, starts: list[Fit] | None = None, gain: float = PRECISE
) -> Fit:
    """The best of several descents. `counted` [w, w, w] is symmetric in its last two axes.

    A descent that starts without odd samples stays without them, as do all where no `starts` are given.
    """
    raters = counted.shape[0] // n_scores
    margin = counted.sum(axis=(1, 2)).reshape(raters, n_scores)
    observed = (margin / margin.sum(axis=1, keepdims=True) + RARE) / (1 + n_scores * RARE)
    begin = starts or [_start(diagonal, observed, n_scores) for diagonal in (*START_DIAGONALS, None)]
    fits = [_descend(counted, start, belief, observed.mean(axis=0), gain) for start in begin]
    return _named(min(fits, key=lambda fit: fit.mismatch))


def believed(n_scores: int) -> np.ndarray:
    """A rater that is nearly always right [s, s]."""
    on, off = BELIEVED_LOGITS
    return np.exp(_log_softmax(np.where(np.eye(n_scores, dtype=bool), on, off)))


def _start(diagonal: float | None, observed: np.ndarray, size: int) -> Fit:
    matrix = believed(size) if diagonal is None else _even(diagonal, size)
    matrices = np.repeat(matrix[None], len(observed), axis=0)
    return Fit(matrices, observed.mean(axis=0), _even(START_SHARING, size), 0.0, np.inf, 0)


def _even(diagonal: float, size: int) -> np.ndarray:
    matrix = np.full((size, size), (1 - diagonal) / (size - 1))
    np.fill_diagonal(matrix, diagonal)
    return matrix


@dataclass(frozen=True)
class _Problem:
    """What a descent minimises: the mismatch to `flat` [w, w * w] of a model with `shape` (raters, scores), held near
    `beliefs` in T, p, K and (1 - h, h)."""

    flat: np.ndarray
    shape: tuple[int, int]
    beliefs: tuple[np.ndarray, ...]

    def logarithms(self, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Of T [raters, s, s], p [s], K [s, s] and (1 - h, h)."""
        raters, size = self.shape
        ends = np.cumsum([raters * size * size, size, size * size])
        matrices, prior, neighbourhood, odd = np.split(logits, ends)
        return (
            _log_softmax(matrices.reshape(raters, size, size)),
            _log_softmax(prior),
            _log_softmax(neighbourhood.reshape(size, size)),
            _log_softmax(odd),
        )

    def mismatch(self, logits: np.ndarray) -> tuple[float, np.ndarray]:
        """Cross-entropy (nats) less the belief's log-probability, and its gradient by the logits."""
        logs = self.logarithms(logits)
        likelihood, slopes = self._likelihood(*(np.exp(log) for log in logs))
        belief = sum((weight * log).sum() for weight, log in zip(self.beliefs, logs, strict=True))
        gradient = []
        for log, slope, weight in zip(logs, slopes, self.beliefs, strict=True):
            part = np.exp(log)
            expected = part * slope + weight
            gradient.append((part * expected.sum(axis=-1, keepdims=True) - expected).ravel())
        return float(-likelihood - belief), np.concatenate(gradient)

    def _likelihood(
        self, matrices: np.ndarray, prior: np.ndarray, neighbourhood: np.ndarray, odds: np.ndarray
    ) -> tuple[float, tuple[np.ndarray, ...]]:
        """Mean log-likelihood of a triple, and its slopes by T, p, K and (1 - h, h)."""
        raters, size = self.shape
        width = raters * size
        even, odd = odds
        hub = matrices.transpose(1, 0, 2).reshape(size, width)
        near = neighbourhood @ hub
        both = (near[:, :, None] * near[:, None, :]).reshape(size, width * width)
        weighted = prior[:, None] * hub
        alone, pair = weighted.sum(axis=0), (weighted.T @ hub).ravel()
        shared, apart = weighted.T @ both, np.outer(alone, pair)
        predicted = even * shared + odd * apart + TINY
        # Of the shared part by near, hub and prior; of the odd part by alone and pair.
        ratio = self.flat / predicted
        by_pair = hub @ ratio
        slope_near = 2 * even * prior[:, None] * (by_pair.reshape(size, width, width) @ near[:, :, None])[:, :, 0]
        by_alone, of_pair = odd * (ratio @ pair), odd * hub @ (alone @ ratio).reshape(width, width)
        slope_hub = prior[:, None] * (even * both @ ratio.T + by_alone + 2 * of_pair) + neighbourhood.T @ slope_near
        slopes = (
            slope_hub.reshape(size, raters, size).transpose(1, 0, 2),
            even * (both * by_pair).sum(axis=1) + hub @ by_alone + (of_pair * hub).sum(axis=1),
            slope_near @ hub.T,
            np.array([(ratio * shared).sum(), (ratio * apart).sum()]),
        )
        return float((self.flat * np.log(predicted)).sum()), slopes


def _descend(counted: np.ndarray, start: Fit, belief: Belief, observed: np.ndarray, gain: float) -> Fit:
    """One descent (L-BFGS over the logits of T, p, K and h) on the Kullback-Leibler mismatch plus the belief."""
    from scipy.optimize import minimize

    raters, size, _ = start.matrices.shape
    beliefs = (
        belief.weight * belief.matrices,
        belief.prior_weight * observed,
        belief.weight * believed(size),
        belief.weight * np.array([1.0, 0.0]),
    )
    problem = _Problem(counted.reshape(raters * size, -1), (raters, size), beliefs)
    begin = (start.matrices, start.prior, start.neighbourhood, np.array([1 - start.odd, start.odd]))
    first = np.concatenate([np.log(part + TINY).ravel() for part in begin])
    options = {"maxiter": MAX_ITERATIONS, "maxfun": 2 * MAX_ITERATIONS, "ftol": gain, "gtol": 1e-7}
    found = minimize(problem.mismatch, first, jac=True, method="L-BFGS-B", options=options)
    matrices, prior, neighbourhood, (_, odd) = (np.exp(log) for log in problem.logarithms(found.x))
    return Fit(matrices, prior, neighbourhood, float(odd), float(found.fun), int(found.nit))


def _named(fit: Fit) -> Fit:
    """The consensus cannot tell which row is which true score: choose the order with the most mass on the diagonal."""
    from scipy.optimize import linear_sum_assignment

    _, score_of_row = linear_sum_assignment(-(fit.prior[:, None] * fit.matrices).sum(axis=0))
    order = np.argsort(score_of_row)
    return replace(
        fit,
        matrices=fit.matrices[:, order],
        prior=fit.prior[order],
        neighbourhood=fit.neighbourhood[np.ix_(order, order)],
    )


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
