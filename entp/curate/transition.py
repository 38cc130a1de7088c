"""Score transition matrix by high-order consensus (HOC): how a rater errs, learnt without any true score.

Source: DS2, section 3.2, after Zhu et al. 2021. A sample and its two nearest neighbours are taken to share one true
score, so three independent looks at it are available. How often the three observed scores agree in each possible way
(the consensus) is a function of T and of the prior p of the true scores:

    first order   P(a)       = sum_t p[t] T[t, a]
    second order  P(a, b)    = sum_t p[t] T[t, a] T[t, b]
    third order   P(a, b, c) = sum_t p[t] T[t, a] T[t, b] T[t, c]

T and p are fitted so that the analytic consensus equals the counted one. Our choices, where DS2 samples 50,000 triples
fifty times and minimises a squared difference by 1,501 steps of Adam:

- Every sample is counted, once: there is no sampling noise, and the result is deterministic.
- The three samples of a triple are exchangeable, so the third-order count is made symmetric. The first and second order
  are then its margins, and matching the third matches all of them.
- The mismatch is the Kullback-Leibler divergence (maximum likelihood). On planted matrices it reaches a tenth of the
  error of the squared difference, which is nearly flat around the solution.
- A weak belief holds T near the diagonal and p near the observed shares (see `PSEUDO_COUNTS`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np

#: Weight of the belief "the rater is mostly right", in observations per true score. It helps in thousands of samples
#: and vanishes in tens of thousands. Where the data cannot identify T it weighs as much as the whole pool, so that few
#: scores are doubted on no evidence.
PSEUDO_COUNTS = 50.0
#: The believed T: softmax of 5 on and -1 off the diagonal, as DS2 initialises it (0.988 on the diagonal for 6 scores).
BELIEVED_LOGITS = (5.0, -1.0)
#: Diagonals of the matrices that the fit starts from (besides the believed one). The mismatch is not convex.
START_DIAGONALS = (0.4, 0.6, 0.8)
#: Fewer samples than this per cell of T leave it to the prior.
SAMPLES_PER_CELL = 20
#: Neighbours must agree more often than by chance by this many standard errors.
MIN_STANDARD_ERRORS = 3.0
MAX_ITERATIONS = 2000
#: Share that a score never observed is taken to have.
RARE = 1e-3
TINY = 1e-300


@dataclass(frozen=True)
class TransitionEstimate:
    """T and p with what is needed to judge them.

    `matrix[t, o]` = P(observed o | true t), rows sum to 1; `prior[t]` = P(true t). `residual` is the total variation
    distance (0..1) between the analytic and the counted third-order consensus. `agreement` is how often two samples of
    a triple have the same score, `chance_agreement` how often two unrelated samples would. `warning` says in words why
    the estimate is not `identifiable`, and is empty where it is.
    """

    matrix: np.ndarray
    prior: np.ndarray
    residual: float
    iterations: int
    agreement: float
    chance_agreement: float
    warning: str

    @property
    def identifiable(self) -> bool:
        return not self.warning


def estimate_transition_matrix(scores: np.ndarray, neighbours: np.ndarray, n_scores: int = 6) -> TransitionEstimate:
    """Fit T and p to the consensus of each sample with its two nearest neighbours.

    `scores` [n] are integers in 0..n_scores-1; `neighbours` [n, 2 or more] are row numbers, nearest first (further
    columns are ignored). Raises ValueError where the shapes do not fit.
    """
    if len(scores) < 3 or neighbours.shape[0] != len(scores) or neighbours.shape[1] < 2:
        raise ValueError(f"need at least 3 scores and two neighbours of each, got {len(scores)}, {neighbours.shape}")
    counted = third_order_consensus(scores, neighbours, n_scores)
    pairs = counted.sum(axis=2)
    agreement = float(np.trace(pairs))
    chance = float((pairs.sum(axis=1) ** 2).sum())
    warning = _warning(len(scores), n_scores, agreement, chance)
    belief = max(PSEUDO_COUNTS, len(scores)) if warning else PSEUDO_COUNTS
    fits = [_fit(counted, start, belief / len(scores)) for start in _starts(n_scores)]
    _, matrix, prior, iterations = min(fits, key=lambda fit: fit[0])
    matrix, prior = _name_rows(matrix, prior)
    return TransitionEstimate(
        matrix=matrix,
        prior=prior,
        residual=float(np.abs(_analytic(matrix, prior) - counted).sum() / 2),
        iterations=iterations,
        agreement=agreement,
        chance_agreement=chance,
        warning=warning,
    )


def third_order_consensus(scores: np.ndarray, neighbours: np.ndarray, n_scores: int) -> np.ndarray:
    """Shares [s, s, s] of the score triples of all samples, symmetric in its three axes. Sums to 1."""
    triples = np.column_stack([scores, scores[neighbours[:, 0]], scores[neighbours[:, 1]]])
    cells = np.ravel_multi_index(tuple(triples.T), (n_scores,) * 3)
    counts = np.bincount(cells, minlength=n_scores**3).reshape((n_scores,) * 3) / len(scores)
    return np.mean([counts.transpose(axes) for axes in permutations(range(3))], axis=0)


def _fit(counted: np.ndarray, start: np.ndarray, pseudo_share: float) -> tuple[float, np.ndarray, np.ndarray, int]:
    """Mismatch, T, p and iterations of one descent (L-BFGS over the logits of T and p) from the matrix `start`."""
    from scipy.optimize import minimize

    size = len(start)
    observed = (counted.sum(axis=(1, 2)) + RARE) / (1 + size * RARE)
    believed = _believed(size)

    def mismatch(logits: np.ndarray) -> tuple[float, np.ndarray]:
        log_matrix = _log_softmax(logits[: size * size].reshape(size, size))
        log_prior = _log_softmax(logits[size * size :])
        matrix, prior = np.exp(log_matrix), np.exp(log_prior)
        consensus = _analytic(matrix, prior) + TINY
        value = -(counted * np.log(consensus)).sum()
        value -= pseudo_share * ((believed * log_matrix).sum() + (observed * log_prior).sum())
        # Expected count of (true t, observed a), and of true t, given the counted triples: the gradient's two sums.
        seen = 3 * prior[:, None] * matrix * np.einsum("abc,tb,tc->ta", counted / consensus, matrix, matrix)
        by_cell = seen + pseudo_share * believed
        by_score = seen.sum(axis=1) / 3 + pseudo_share * observed
        slope_matrix = matrix * by_cell.sum(axis=1, keepdims=True) - by_cell
        slope_prior = prior * by_score.sum() - by_score
        return float(value), np.concatenate([slope_matrix.ravel(), slope_prior])

    first = np.concatenate([np.log(start).ravel(), np.log(observed)])
    options = {"maxiter": MAX_ITERATIONS, "maxfun": 2 * MAX_ITERATIONS, "ftol": 1e-13, "gtol": 1e-7}
    found = minimize(mismatch, first, jac=True, method="L-BFGS-B", options=options)
    matrix = np.exp(_log_softmax(found.x[: size * size].reshape(size, size)))
    prior = np.exp(_log_softmax(found.x[size * size :]))
    return float(found.fun), matrix, prior, int(found.nit)


def _analytic(matrix: np.ndarray, prior: np.ndarray) -> np.ndarray:
    return np.einsum("ta,tb,tc->abc", prior[:, None] * matrix, matrix, matrix)


def _starts(size: int) -> list[np.ndarray]:
    even = [np.full((size, size), (1 - diagonal) / (size - 1)) for diagonal in START_DIAGONALS]
    for matrix, diagonal in zip(even, START_DIAGONALS, strict=True):
        np.fill_diagonal(matrix, diagonal)
    return [*even, _believed(size)]


def _believed(size: int) -> np.ndarray:
    on, off = BELIEVED_LOGITS
    return np.exp(_log_softmax(np.where(np.eye(size, dtype=bool), on, off)))


def _name_rows(matrix: np.ndarray, prior: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The consensus cannot tell which row is which true score: choose the order with the most mass on the diagonal."""
    from scipy.optimize import linear_sum_assignment

    _, score_of_row = linear_sum_assignment(-prior[:, None] * matrix)
    order = np.argsort(score_of_row)
    return matrix[order], prior[order]


def _warning(samples: int, n_scores: int, agreement: float, chance: float) -> str:
    needed = SAMPLES_PER_CELL * n_scores**2
    if samples < needed:
        return (
            f"the transition matrix rests on {samples} rated samples, fewer than the {needed} it needs; "
            "it leans on the belief that the rater is mostly right"
        )
    error = np.sqrt(chance * (1 - chance) / samples)
    if agreement - chance < MIN_STANDARD_ERRORS * error:
        return (
            f"neighbours have equal scores in {agreement:.1%} of cases, where chance gives {chance:.1%}: "
            "nearness in meaning says too little about this rater's scores to trust the transition matrix"
        )
    return ""


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
