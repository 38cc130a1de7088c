from __future__ import annotations

import numpy as np
import pytest

from entp.curate import curate_by_vote, curate_scores
from entp.curate.vote import flag_worst, sharing_by_distance, vote_shares
from tests.curate.planted import N_SCORES, break_neighbourhood, neighbours_of_equal_score, observe, plant

RIGHT = np.eye(N_SCORES)


def test_a_neighbour_votes_with_one_minus_its_distance_and_the_sample_with_one():
    votes = vote_shares(np.array([5, 2, 2]), np.array([[1, 2], [0, 2], [0, 1]]), np.full((3, 2), 0.75), N_SCORES)
    assert np.allclose(votes[0], [0, 0, 0.5 / 1.5, 0, 0, 1 / 1.5])


def test_a_rater_without_error_is_left_alone():
    scores = np.array([0, 0, 5, 5])
    neighbours = np.array([[2, 3], [2, 3], [0, 1], [0, 1]])
    curated = curate_by_vote(scores, neighbours, np.zeros((4, 2)), RIGHT, np.array([0.5, 0, 0, 0, 0, 0.5]))
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
    assert curate_by_vote(scores, neighbours, near, RIGHT, prior).curated.tolist() == [1, 1, 1, 1]
    assert curate_by_vote(scores, neighbours, far, RIGHT, prior).curated.tolist() == [5, 1, 1, 1]
    assert curate_by_vote(scores, neighbours, far, RIGHT, prior).flagged.tolist() == [True, False, False, False]


def test_confidence_is_the_votes_share_of_the_curated_score():
    scores = np.array([5, 1, 1])
    neighbours = np.array([[1, 2], [0, 2], [0, 1]])
    curated = curate_by_vote(scores, neighbours, np.full((3, 2), 0.5), RIGHT, np.array([0, 0.7, 0, 0, 0, 0.3]))
    assert np.allclose(curated.confidence, [0.5, 0.75, 0.75])


def test_a_unanimous_neighbourhood_outvotes_the_sample():
    scores = np.array([5] + [1] * 10)
    neighbours = np.array([np.delete(np.arange(11), row) for row in range(11)])
    curated = curate_by_vote(scores, neighbours, np.full((11, 10), 0.3), RIGHT, np.array([0, 1.0, 0, 0, 0, 0]))
    assert curated.curated[0] == 1
    assert curated.confidence[0] > 0.8


def test_curation_brings_noisy_scores_nearer_to_the_true_ones():
    matrix, true = plant(4_000, 9)
    observed = observe(true, matrix, 9)
    neighbours = neighbours_of_equal_score(true, 10, 9)
    prior = np.bincount(true, minlength=N_SCORES) / len(true)
    curated = curate_by_vote(observed, neighbours, np.full(neighbours.shape, 0.4), matrix, prior)
    assert (curated.curated == true).mean() > (observed == true).mean() + 0.15


def planted_pool(share_broken: float, seed: int = 9) -> tuple[np.ndarray, ...]:
    """Observed scores, neighbours (farther ones broken more often), distances, matrix, prior, true scores."""
    matrix, true = plant(6_000, seed)
    neighbours = neighbours_of_equal_score(true, 10, seed)
    distances = np.tile(np.linspace(0.1, 0.6, 10), (len(true), 1))
    for column in range(10):
        neighbours[:, [column]] = break_neighbourhood(
            neighbours[:, [column]], true, share_broken * column / 4.5, seed + column
        )
    prior = np.bincount(true, minlength=N_SCORES) / len(true)
    return observe(true, matrix, seed), neighbours, distances, matrix, prior, true


@pytest.mark.parametrize("share_broken", [0.0, 0.2, 0.4])
def test_bayes_is_nearer_to_the_truth_than_the_vote(share_broken):
    *pool, true = planted_pool(share_broken)
    right = [(rule(*pool).curated == true).mean() for rule in (curate_scores, curate_by_vote)]
    assert right[0] > right[1] + 0.05


@pytest.mark.parametrize("share_broken", [0.0, 0.2, 0.4])
def test_confidence_is_how_often_the_curated_score_is_true(share_broken):
    *pool, true = planted_pool(share_broken)
    curated = curate_scores(*pool)
    assert abs((curated.curated == true).mean() - curated.confidence.mean()) < 0.03


def test_neighbours_that_know_nothing_have_no_voice():
    observed, neighbours, distances, matrix, prior, _ = planted_pool(0.0)
    strangers = np.random.default_rng(0).integers(0, len(observed), neighbours.shape)
    curated = curate_scores(observed, strangers, distances, matrix, prior)
    alone = prior[:, None] * matrix
    assert np.abs(curated.votes - (alone / alone.sum(axis=0)).T[observed]).mean() < 0.01


def test_sharing_falls_with_distance_as_planted():
    observed, neighbours, distances, matrix, prior, _ = planted_pool(0.4)
    sharing = sharing_by_distance(observed, neighbours, distances, matrix, prior)
    assert (np.diff(sharing[0]) <= 0).all()
    assert np.abs(sharing[0] - (1 - 0.4 * np.arange(10) / 4.5)).max() < 0.08


def test_what_the_neighbours_predict_leaves_out_the_samples_own_score():
    observed, neighbours, distances, matrix, prior, _ = planted_pool(0.2)
    for rule in (curate_scores, curate_by_vote):
        before = rule(observed, neighbours, distances, matrix, prior).predicted
        assert np.allclose(before.sum(axis=1), 1.0)
        hit = before.argmax(axis=1) == observed
        assert hit.mean() < 0.75
