"""Pools whose true scores and whose rater are known."""

from __future__ import annotations

import numpy as np

N_SCORES = 6


def plant(samples: int, seed: int, lowest: float = 0.5, highest: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    """A random prior, and a random transition matrix with diagonals from `lowest` to `highest`: matrix, true scores."""
    random = np.random.default_rng(seed)
    matrix = np.zeros((N_SCORES, N_SCORES))
    for score, right in enumerate(random.uniform(lowest, highest, N_SCORES)):
        others = np.arange(N_SCORES) != score
        matrix[score, others] = random.dirichlet(np.ones(N_SCORES - 1)) * (1 - right)
        matrix[score, score] = right
    return matrix, random.choice(N_SCORES, samples, p=random.dirichlet(np.full(N_SCORES, 8.0)))


def observe(true: np.ndarray, matrix: np.ndarray, seed: int) -> np.ndarray:
    """What a rater that errs as `matrix` says gives to samples with these true scores."""
    drawn = np.random.default_rng(seed + 1).random((len(true), 1))
    return (drawn > matrix.cumsum(axis=1)[true]).sum(axis=1).clip(0, N_SCORES - 1)


def neighbours_of_equal_score(true: np.ndarray, k: int, seed: int) -> np.ndarray:
    """k other samples of the same true score for each sample."""
    random = np.random.default_rng(seed + 2)
    neighbours = np.empty((len(true), k), dtype=np.int64)
    for score in np.unique(true):
        members = random.permutation(np.flatnonzero(true == score))
        for column in range(k):
            neighbours[members, column] = np.roll(members, column + 1)
    return neighbours


def break_neighbourhood(
    neighbours: np.ndarray, true: np.ndarray, share: float, seed: int, by_one: bool = False
) -> np.ndarray:
    """The neighbours, of which this share is replaced: by any sample, or by one whose true score is one off."""
    random = np.random.default_rng(seed + 3)
    broken = neighbours.copy()
    replaced = random.random(broken.shape) < share
    if not by_one:
        broken[replaced] = random.integers(0, len(true), replaced.sum())
        return broken
    rows, columns = np.nonzero(replaced)
    wanted = true[rows] + random.choice([-1, 1], len(rows))
    wanted = np.where(wanted < 0, 1, np.where(wanted >= N_SCORES, N_SCORES - 2, wanted))
    for score in np.unique(wanted):
        places = wanted == score
        broken[rows[places], columns[places]] = random.choice(np.flatnonzero(true == score), places.sum())
    return broken


def odd_hubs(neighbours: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Neighbours that agree with each other but, for this share of the samples, not with the sample between them."""
    random = np.random.default_rng(seed + 4)
    odd = np.flatnonzero(random.random(len(neighbours)) < share)
    broken = neighbours.copy()
    broken[odd] = neighbours[random.integers(0, len(neighbours), len(odd))]
    return broken
