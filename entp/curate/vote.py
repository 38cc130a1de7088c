"""What a neighbourhood says about a sample's score, and which scores to replace.

Two ways. `curate_scores` weighs every look by what the rater's matrix makes of it (Bayes, our choice);
`curate_by_vote` is DS2's rule (section 3.3): neighbours vote with their closeness, and the matrix only says how many
scores to doubt. DS2 writes every sample into the pool twice before it looks for neighbours; a sample is then its own
nearest neighbour and a unanimous neighbourhood cannot outvote it. Here the pool is left as it is, and a sample's own
score counts once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Distance bins in which the share of neighbours with the same true score is measured.
BINS = 10
#: Fewer neighbour pairs than this per bin say nothing.
MIN_PAIRS = 200
#: Discounts of the neighbours' evidence that are tried.
DISCOUNTS = np.array([0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0])
#: Samples that the discount is chosen on.
CALIBRATION_SAMPLES = 50_000
TINY = 1e-12


@dataclass(frozen=True)
class CuratedScores:
    """`curated` [n] scores; `confidence` [n] probability or share of the vote of the curated score (0..1, own score
    counted); `flagged` [n] whether the observed score was doubted; `votes` [n, n_scores] the whole distribution, rows
    sum to 1; `predicted` [n, n_scores] what the neighbours alone say that the rater would give.
    """

    curated: np.ndarray
    confidence: np.ndarray
    flagged: np.ndarray
    votes: np.ndarray
    predicted: np.ndarray


def curate_scores(
    scores: np.ndarray,
    neighbours: np.ndarray,
    distances: np.ndarray,
    matrix: np.ndarray,
    prior: np.ndarray,
    relabel_confidence: float = 0.5,
) -> CuratedScores:
    """Posterior of the true score given its own and its neighbours' observed ones; the likeliest replaces the own.

    `scores` [n] in 0..len(prior)-1, `neighbours` and cosine `distances` [n, k], `matrix` and `prior` as in
    `TransitionEstimate`. A neighbour at distance d was rated from the sample's true score with probability s(d), else
    from the prior; s(d) is measured. Neighbours are not independent witnesses: their evidence is discounted as far as
    predicts the samples' own scores best. A score is replaced by one of probability `relabel_confidence` at least.
    """
    sharing = sharing_by_distance(scores, neighbours, distances, matrix, prior)
    evidence = _evidence(scores, neighbours, sharing, matrix, prior)
    near = _posterior(evidence, _discount(scores, evidence, matrix, prior), prior)
    posterior = near * matrix.T[scores]
    posterior /= posterior.sum(axis=1, keepdims=True)
    return _replaced(scores, posterior, posterior.argmax(axis=1) != scores, near @ matrix, relabel_confidence)


def curate_by_vote(
    scores: np.ndarray,
    neighbours: np.ndarray,
    distances: np.ndarray,
    matrix: np.ndarray,
    prior: np.ndarray,
    relabel_confidence: float = 0.5,
) -> CuratedScores:
    """Flag the scores that the matrix says are wrong; replace those whose neighbours are sure of another.

    Arguments as in `curate_scores`. A flagged score becomes the vote's winner when its share is at least
    `relabel_confidence`.
    """
    votes = vote_shares(scores, neighbours, distances, len(prior))
    own_share = votes[np.arange(len(scores)), scores]
    flagged = flag_worst(scores, own_share, matrix, prior)
    return _replaced(scores, votes, flagged, _without_own(scores, distances, votes, prior), relabel_confidence)


def sharing_by_distance(
    scores: np.ndarray, neighbours: np.ndarray, distances: np.ndarray, matrix: np.ndarray, prior: np.ndarray
) -> np.ndarray:
    """Probability [n, k] that a neighbour at this distance has the sample's true score, else one from the prior.

    In each tenth of the distances, the excess of the observed pairs of scores over chance is laid beside the excess
    that T and p would give to pairs of equal true score. It never rises with distance.
    """
    from scipy.optimize import isotonic_regression

    observed_share = prior @ matrix
    excess = (matrix.T * prior) @ matrix - np.outer(observed_share, observed_share)
    strength = float((excess**2).sum())
    if not distances.size or strength < TINY:
        return np.zeros(distances.shape)
    # how much a pair of scores (a, b) speaks for a shared true score: a number per cell, averaged in each bin
    weight = excess / strength
    by_pair = weight[scores[:, None], scores[neighbours]] - float(
        (weight * np.outer(observed_share, observed_share)).sum()
    )
    bins = min(BINS, max(1, distances.size // MIN_PAIRS))
    edges = np.quantile(distances, np.linspace(0, 1, bins + 1)[1:-1])
    of_bin = np.searchsorted(edges, distances, side="right")
    pairs = np.bincount(of_bin.ravel(), minlength=bins)
    sums = np.bincount(of_bin.ravel(), weights=by_pair.ravel(), minlength=bins)
    present = pairs > 0
    shares = np.zeros(bins)
    shares[present] = isotonic_regression(
        sums[present] / pairs[present], weights=pairs[present].astype(float), increasing=False
    ).x
    return shares.clip(0.0, 1.0)[of_bin]


def vote_shares(scores: np.ndarray, neighbours: np.ndarray, distances: np.ndarray, n_scores: int) -> np.ndarray:
    """Share of the vote that each score gets [n, n_scores]: 1 - distance from each neighbour, 1 from the sample."""
    rows = np.arange(len(scores))
    votes = np.zeros((len(scores), n_scores))
    votes[rows, scores] = 1.0
    np.add.at(votes, (rows[:, None], scores[neighbours]), (1.0 - distances).clip(0.0, 1.0))
    return votes / votes.sum(axis=1, keepdims=True)


def flag_worst(scores: np.ndarray, own_share: np.ndarray, matrix: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Flag, in each observed score c, as many samples as are expected to be wrong: 1 - T[c, c] p[c] / p~[c] of them.

    p~[c] is the share of samples observed as c. The ones whose own score has the smallest share of the vote go first,
    equal ones by index.
    """
    flagged = np.zeros(len(scores), dtype=bool)
    for score in np.unique(scores):
        members = np.flatnonzero(scores == score)
        observed_share = len(members) / len(scores)
        right = min(1.0, matrix[score, score] * prior[score] / observed_share)
        doubtful = round((1.0 - right) * len(members))
        worst_first = members[np.argsort(np.round(own_share[members], 9), kind="stable")]
        flagged[worst_first[:doubtful]] = True
    return flagged


def _evidence(
    scores: np.ndarray, neighbours: np.ndarray, sharing: np.ndarray, matrix: np.ndarray, prior: np.ndarray
) -> np.ndarray:
    """Log-likelihood [n, n_scores] of all the neighbours' scores for each true score of the sample."""
    observed_share = prior @ matrix
    evidence = np.zeros((len(scores), len(prior)))
    for column in range(neighbours.shape[1]):
        seen, share = scores[neighbours[:, column]], sharing[:, column, None]
        evidence += np.log(share * matrix.T[seen] + (1 - share) * observed_share[seen, None] + TINY)
    return evidence


def _posterior(evidence: np.ndarray, discount: float, prior: np.ndarray) -> np.ndarray:
    """Probability [n, n_scores] of each true score given the neighbours alone."""
    log = discount * evidence + np.log(prior + TINY)
    posterior = np.exp(log - log.max(axis=1, keepdims=True))
    return posterior / posterior.sum(axis=1, keepdims=True)


def _discount(scores: np.ndarray, evidence: np.ndarray, matrix: np.ndarray, prior: np.ndarray) -> float:
    """The discount (0..1) under which the neighbours predict the samples' own scores best."""
    chosen = slice(None, None, max(1, len(scores) // CALIBRATION_SAMPLES))
    own_likelihood = matrix.T[scores[chosen]]
    gains = [
        np.log((_posterior(evidence[chosen], discount, prior) * own_likelihood).sum(axis=1) + TINY).mean()
        for discount in DISCOUNTS
    ]
    return float(DISCOUNTS[int(np.argmax(gains))])


def _without_own(scores: np.ndarray, distances: np.ndarray, votes: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """The vote of the neighbours alone; the prior where they have none."""
    total = 1.0 + (1.0 - distances).clip(0.0, 1.0).sum(axis=1)
    near = votes * total[:, None]
    near[np.arange(len(scores)), scores] -= 1.0
    weight = total[:, None] - 1.0
    return np.where(weight > TINY, near.clip(0.0) / np.maximum(weight, TINY), prior)


def _replaced(
    scores: np.ndarray, votes: np.ndarray, flagged: np.ndarray, predicted: np.ndarray, relabel_confidence: float
) -> CuratedScores:
    curated = np.where(flagged & (votes.max(axis=1) >= relabel_confidence), votes.argmax(axis=1), scores)
    return CuratedScores(curated, votes[np.arange(len(scores)), curated], flagged, votes, predicted)
