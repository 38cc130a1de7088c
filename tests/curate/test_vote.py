from __future__ import annotations

import numpy as np

from entp.curate import curate_scores
from entp.curate.vote import flag_worst, vote_shares
from tests.curate.planted import N_SCORES, neighbours_of_equal_score, observe, plant

RIGHT = np.eye(N_SCORES)


def test_a_neighbour_votes_with_one_minus_its_distance_and_the_sample_with_one():
    votes = vote_shares(np.array([5, 2, 2]), np.array([[1, 2], [0, 2], [0, 1]]), np.full((3, 2), 0.75), N_SCORES)
    assert np.allclose(votes[0], [0, 0, 0.5 / 1.5, 0, 0, 1 / 1.5])


def test_a_rater_without_error_is_left_alone():
    scores = np.array([0, 0, 5, 5])
    neighbours = np.array([[2, 3], [2, 3], [0, 1], [0, 1]])
    curated = curate_scores(scores, neighbours, np.zeros((4, 2)), RIGHT, np.array([0.5, 0, 0, 0, 0, 0.5]))
    assert (curated.curated == scores).all()
    assert not curated.flagged.any()


def test_the_share_of_an_observed_score_that_is_expected_wrong_is_flagged_worst_first():
    matrix = RIGHT.copy()
    matrix[1, 1] = 0.5
    own_share = np.array([0.9, 0.1, 0.8, 0.2])
    prior = np.array([0, 1.0, 0, 0, 0, 0])
    flagged = flag_worst(np.array([1, 1, 1, 1]), own_share, matrix, prior)
    assert flagged.tolist() == [False, True, False, True]


def test_a_flagged_score_is_replaced_only_when_the_neighbourhood_is_sure():
    scores = np.array([5, 1, 1, 1])
    neighbours = np.array([[1, 2, 3], [2, 3, 0], [1, 3, 0], [1, 2, 0]])
    prior = np.array([0, 1.0, 0, 0, 0, 0])
    near, far = np.full((4, 3), 0.2), np.full((4, 3), 0.9)
    assert curate_scores(scores, neighbours, near, RIGHT, prior).curated.tolist() == [1, 1, 1, 1]
    assert curate_scores(scores, neighbours, far, RIGHT, prior).curated.tolist() == [5, 1, 1, 1]
    assert curate_scores(scores, neighbours, far, RIGHT, prior).flagged.tolist() == [True, False, False, False]


def test_confidence_is_the_votes_share_of_the_curated_score():
    scores = np.array([5, 1, 1])
    neighbours = np.array([[1, 2], [0, 2], [0, 1]])
    curated = curate_scores(scores, neighbours, np.full((3, 2), 0.5), RIGHT, np.array([0, 0.7, 0, 0, 0, 0.3]))
    assert np.allclose(curated.confidence, [0.5, 0.75, 0.75])


def test_a_unanimous_neighbourhood_outvotes_the_sample():
    scores = np.array([5] + [1] * 10)
    neighbours = np.array([np.delete(np.arange(11), row) for row in range(11)])
    curated = curate_scores(scores, neighbours, np.full((11, 10), 0.3), RIGHT, np.array([0, 1.0, 0, 0, 0, 0]))
    assert curated.curated[0] == 1
    assert curated.confidence[0] > 0.8


def test_curation_brings_noisy_scores_nearer_to_the_true_ones():
    matrix, true = plant(4_000, 9)
    observed = observe(true, matrix, 9)
    neighbours = neighbours_of_equal_score(true, 10, 9)
    prior = np.bincount(true, minlength=N_SCORES) / len(true)
    curated = curate_scores(observed, neighbours, np.full(neighbours.shape, 0.4), matrix, prior)
    assert (curated.curated == true).mean() > (observed == true).mean() + 0.15
