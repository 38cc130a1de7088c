from __future__ import annotations

import numpy as np
import pytest

from entp.curate import estimate_by_source, estimate_jointly, estimate_transition_matrix
from entp.curate.consensus import neighbourhood_blocks
from entp.curate.transition import third_order_consensus
from tests.curate.planted import (
    N_SCORES,
    break_neighbourhood,
    neighbours_of_equal_score,
    observe,
    odd_hubs,
    plant,
)


@pytest.mark.parametrize("seed", [0, 3, 7])
def test_a_planted_matrix_and_prior_are_recovered_without_any_true_score(seed):
    matrix, true = plant(20_000, seed)
    estimate = estimate_transition_matrix(observe(true, matrix, seed), neighbours_of_equal_score(true, 2, seed))
    prior = np.bincount(true, minlength=N_SCORES) / len(true)
    assert np.abs(estimate.matrix - matrix).mean() < 0.012
    assert np.abs(estimate.prior - prior).mean() < 0.015
    assert estimate.identifiable
    assert estimate.residual < 0.03


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("by_one", [False, True])
def test_neighbours_of_another_true_score_are_modelled(seed, by_one):
    matrix, true = plant(50_000, seed)
    neighbours = break_neighbourhood(neighbours_of_equal_score(true, 2, seed), true, 0.2, seed, by_one)
    estimate = estimate_transition_matrix(observe(true, matrix, seed), neighbours, rounds=0)
    assert np.abs(estimate.matrix - matrix).mean() < 0.01
    assert abs(estimate.sharing - (true[neighbours] == true[:, None]).mean()) < 0.03
    assert estimate.odd < 1e-9
    assert not estimate.cautions


def test_samples_at_odds_with_two_neighbours_that_agree_are_modelled():
    matrix, true = plant(50_000, 3)
    neighbours = odd_hubs(neighbours_of_equal_score(true, 2, 3), 0.2, 3)
    estimate = estimate_transition_matrix(observe(true, matrix, 3), neighbours, rounds=0)
    assert estimate.odd == pytest.approx(0.2, abs=0.03)
    assert estimate.misfit < 2
    assert np.abs(estimate.matrix - matrix).mean() < 0.01


def test_a_consensus_that_no_neighbourhood_explains_is_noticed():
    matrix, true = plant(50_000, 3)
    observed = observe(true, matrix, 3)
    neighbours = neighbours_of_equal_score(true, 2, 3)
    same = np.flatnonzero(np.random.default_rng(0).random(len(true)) < 0.3)
    observed[neighbours[same, 1]] = observed[neighbours[same, 0]]
    estimate = estimate_transition_matrix(observed, neighbours, rounds=0)
    assert estimate.misfit > 5
    assert "misses the counted consensus" in estimate.cautions[-1]


def test_intervals_hold_most_planted_cells():
    inside = []
    for seed in range(3):
        matrix, true = plant(20_000, seed)
        neighbours = break_neighbourhood(neighbours_of_equal_score(true, 2, seed), true, 0.2, seed)
        intervals = estimate_transition_matrix(observe(true, matrix, seed), neighbours, rounds=60).intervals
        inside.append((matrix >= intervals.matrix_low) & (matrix <= intervals.matrix_high))
    assert 0.8 < np.mean(inside) <= 1


def test_a_prior_that_the_data_leave_open_is_the_observed_shares_and_says_so():
    random = np.random.default_rng(0)
    scores = random.choice(N_SCORES, 20_000, p=[0.05, 0.2, 0.2, 0.4, 0.1, 0.05])
    order = np.argsort(scores + random.normal(0, 4, len(scores)), kind="stable")
    neighbours = np.empty((len(scores), 2), np.int64)
    neighbours[order] = np.column_stack([np.roll(order, 1), np.roll(order, 2)])
    estimate = estimate_transition_matrix(scores, neighbours, rounds=0)
    assert "taken as the prior" in estimate.cautions[0]
    assert np.abs(estimate.prior - np.bincount(scores) / len(scores)).max() < 0.03


def test_several_raters_share_a_prior_and_each_has_a_matrix():
    matrices, true = [plant(10, seed)[0] for seed in range(3)], plant(20_000, 5)[1]
    neighbours = break_neighbourhood(neighbours_of_equal_score(true, 2, 5), true, 0.2, 5)
    scores = np.column_stack([observe(true, matrix, seed) for seed, matrix in enumerate(matrices)])
    together = estimate_jointly(scores, neighbours, rounds=0)
    alone = [estimate_transition_matrix(column, neighbours, rounds=0) for column in scores.T]
    wrong = [
        [np.abs(one.matrix - matrix).mean() for one, matrix in zip(found, matrices, strict=True)]
        for found in (together, alone)
    ]
    assert np.mean(wrong[0]) < 0.8 * np.mean(wrong[1])
    assert all((one.prior == together[0].prior).all() for one in together)


def test_a_source_has_a_matrix_of_its_own_where_it_is_large_enough():
    strict, true = plant(16_000, 0)
    lax = plant(10, 1)[0]
    sources = np.array(["strict", "lax", "lax", "tiny"])[np.arange(len(true)) % 4]
    sources[sources == "tiny"] = np.where(np.arange(4_000) < 100, "tiny", "strict")
    observed = np.where(sources == "lax", observe(true, lax, 2), observe(true, strict, 1))
    neighbours = np.empty((len(true), 2), np.int64)
    for source in np.unique(sources):
        rows = np.flatnonzero(sources == source)
        neighbours[rows] = rows[neighbours_of_equal_score(true[rows], 2, 0)]
    pooled = estimate_transition_matrix(observed, neighbours, rounds=0)
    found = estimate_by_source(observed, neighbours, sources, pooled, rounds=0)
    assert list(found) == ["lax", "strict"]
    for source, matrix in (("lax", lax), ("strict", strict)):
        assert np.abs(found[source].matrix - matrix).mean() < 0.6 * np.abs(pooled.matrix - matrix).mean()


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


def test_the_consensus_counts_each_triple_once_in_both_orders_of_its_neighbours():
    counted = third_order_consensus(np.array([0, 1, 2]), np.array([[1, 2], [0, 2], [0, 1]]), 3)
    assert np.isclose(counted.sum(), 1.0)
    assert np.isclose(counted[0, 1, 2], 1 / 6)
    assert np.isclose(counted[0, 2, 1], 1 / 6)
    assert counted[0, 0, 1] == 0


def test_blocks_cover_every_sample_and_keep_neighbours_together():
    true = plant(20_000, 0)[1]
    neighbours = neighbours_of_equal_score(true, 2, 0)
    blocks = neighbourhood_blocks(neighbours, 100)
    assert set(blocks) == set(range(100))
    assert (blocks[neighbours] == blocks[:, None]).mean() > 0.8


def test_a_score_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"scores must be in 0\.\.5, found -1\.\.5"):
        estimate_transition_matrix(np.array([5, -1, 3]), np.zeros((3, 2), dtype=np.int64))


def test_two_neighbours_are_required():
    with pytest.raises(ValueError, match="two neighbours"):
        estimate_transition_matrix(np.array([1, 2, 3]), np.zeros((3, 1), dtype=np.int64))
