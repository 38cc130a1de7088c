"""Nearest-neighbour vote: which scores to distrust, and what to put in their place (DS2, section 3.3).

DS2 writes every sample into the pool twice before it looks for neighbours; a sample is then its own nearest neighbour
and a unanimous neighbourhood cannot outvote it. Here the pool is left as it is, and a sample's own score has one vote.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CuratedScores:
    """`curated` [n] scores; `confidence` [n] share of the vote for the curated score (0..1, own score counted);
    `flagged` [n] whether the observed score was doubted; `votes` [n, n_scores] the whole vote, rows sum to 1.
    """

    curated: np.ndarray
    confidence: np.ndarray
    flagged: np.ndarray
    votes: np.ndarray


def curate_scores(
    scores: np.ndarray,
    neighbours: np.ndarray,
    distances: np.ndarray,
    matrix: np.ndarray,
    prior: np.ndarray,
    relabel_confidence: float = 0.5,
) -> CuratedScores:
    """Flag the scores that the transition matrix says are wrong; replace those whose neighbours are sure of another.

    `scores` [n] in 0..len(prior)-1, `neighbours` and cosine `distances` [n, k], `matrix` and `prior` as in
    `TransitionEstimate`. A flagged score becomes the vote's winner when its share is at least `relabel_confidence`.
    """
    votes = vote_shares(scores, neighbours, distances, len(prior))
    own_share = votes[np.arange(len(scores)), scores]
    flagged = flag_worst(scores, own_share, matrix, prior)
    winner = votes.argmax(axis=1)
    curated = np.where(flagged & (votes.max(axis=1) >= relabel_confidence), winner, scores)
    return CuratedScores(curated, votes[np.arange(len(scores)), curated], flagged, votes)


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
