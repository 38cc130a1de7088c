from __future__ import annotations

import time

import numpy as np
import pytest

from entp.curate import estimate_transition_matrix
from entp.curate.transition import third_order_consensus
from tests.curate.planted import N_SCORES, neighbours_of_equal_score, observe, plant


@pytest.mark.parametrize("seed", [0, 3, 7])
def test_a_planted_matrix_and_prior_are_recovered_without_any_true_score(seed):
    matrix, true = plant(20_000, seed)
    estimate = estimate_transition_matrix(observe(true, matrix, seed), neighbours_of_equal_score(true, 2, seed))
    prior = np.bincount(true, minlength=N_SCORES) / len(true)
    assert np.abs(estimate.matrix - matrix).mean() < 0.012
    assert np.abs(estimate.prior - prior).mean() < 0.015
    assert estimate.identifiable
    assert estimate.residual < 0.03


def test_twenty_thousand_samples_take_seconds():
    matrix, true = plant(20_000, 1)
    started = time.process_time()
    estimate_transition_matrix(observe(true, matrix, 1), neighbours_of_equal_score(true, 2, 1))
    assert time.process_time() - started < 5


def test_rows_are_probabilities_and_each_true_score_keeps_its_own_row():
    matrix, true = plant(5_000, 2, lowest=0.4, highest=0.6)
    estimate = estimate_transition_matrix(observe(true, matrix, 2), neighbours_of_equal_score(true, 2, 2))
    assert np.allclose(estimate.matrix.sum(axis=1), 1.0)
    assert np.isclose(estimate.prior.sum(), 1.0)
    assert (estimate.matrix.argmax(axis=1) == np.arange(N_SCORES)).all()


def test_the_estimate_is_the_same_in_every_run():
    matrix, true = plant(2_000, 4)
    observed, neighbours = observe(true, matrix, 4), neighbours_of_equal_score(true, 2, 4)
    first, second = (estimate_transition_matrix(observed, neighbours) for _ in range(2))
    assert (first.matrix == second.matrix).all()
    assert (first.prior == second.prior).all()


def test_a_small_pool_leans_on_the_belief_that_the_rater_is_mostly_right_and_says_so():
    matrix, true = plant(150, 5)
    estimate = estimate_transition_matrix(observe(true, matrix, 5), neighbours_of_equal_score(true, 2, 5))
    assert not estimate.identifiable
    assert "150 rated samples" in estimate.warning
    assert np.diag(estimate.matrix).mean() > 0.75
    assert np.isfinite(estimate.matrix).all()


def test_neighbours_that_agree_by_chance_only_are_reported():
    random = np.random.default_rng(6)
    scores = random.integers(0, N_SCORES, 3_000)
    estimate = estimate_transition_matrix(scores, random.integers(0, 3_000, (3_000, 2)))
    assert not estimate.identifiable
    assert "where chance gives 16.7%" in estimate.warning


def test_a_score_that_never_occurs_is_believed_to_be_rated_right():
    matrix, true = plant(5_000, 8)
    observed = observe(true, matrix, 8).clip(1, 4)
    estimate = estimate_transition_matrix(observed, neighbours_of_equal_score(true, 2, 8))
    assert estimate.prior[0] < 0.01
    assert estimate.matrix[0, 0] > 0.9


def test_the_consensus_counts_each_triple_once_in_every_order():
    counted = third_order_consensus(np.array([0, 1, 2]), np.array([[1, 2], [0, 2], [0, 1]]), 3)
    assert np.isclose(counted.sum(), 1.0)
    assert np.isclose(counted[0, 1, 2], 1 / 6)
    assert counted[0, 0, 1] == 0


def test_two_neighbours_are_required():
    with pytest.raises(ValueError, match="two neighbours"):
        estimate_transition_matrix(np.array([1, 2, 3]), np.zeros((3, 1), dtype=np.int64))
