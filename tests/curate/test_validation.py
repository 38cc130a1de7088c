"""Raters before and after curation, and forecasts of scores beside what came true."""

from __future__ import annotations

import numpy as np
import pytest

from entp.curate.validation import agreement, calibration_error, quadratic_kappa, reliability_table, strangers


def test_kappa_is_one_for_equal_scores_and_counts_large_differences_more():
    scores = np.array([0, 1, 2, 3, 4, 5])
    assert quadratic_kappa(scores, scores, 6) == 1.0
    near = quadratic_kappa(scores, np.array([1, 1, 2, 3, 4, 5]), 6)
    assert near > quadratic_kappa(scores, np.array([5, 1, 2, 3, 4, 5]), 6)


def test_kappa_is_zero_for_unrelated_scores_and_for_two_constants():
    random = np.random.default_rng(0)
    assert quadratic_kappa(random.integers(0, 6, 50_000), random.integers(0, 6, 50_000), 6) == pytest.approx(
        0, abs=0.02
    )
    assert quadratic_kappa(np.full(5, 2), np.full(5, 2), 6) == 0.0


def test_strangers_are_the_same_lists_in_another_order():
    neighbours, distances = np.arange(20).reshape(10, 2), np.linspace(0, 1, 20).reshape(10, 2)
    moved, far = strangers(neighbours, distances)
    assert sorted(map(tuple, moved)) == sorted(map(tuple, neighbours))
    assert (far == np.linspace(0, 1, 20)[moved]).all()


def test_agreement_is_measured_before_after_and_with_strangers():
    scores, neighbours = np.array([0, 5, 0, 5]), np.array([[2], [3], [0], [1]])

    def of_neighbour(scores, neighbours, distances):
        return np.where(distances[:, 0] < 1, scores[neighbours[:, 0]], scores)

    def turned(scores, neighbours, distances):
        return 5 - of_neighbour(scores, neighbours, distances)

    kappas = agreement(scores, 5 - scores, neighbours, np.zeros((4, 1)), (of_neighbour, turned))
    assert kappas == {"raw": -1.0, "curated": 1.0, "control": 1.0}


def test_forecasts_are_grouped_by_what_they_promise():
    predicted = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.9, 0.1]])
    table = reliability_table(predicted, np.array([0, 0, 1, 1]))
    assert table.rows() == [
        (0.1, pytest.approx(1 / 3, abs=1e-6), 3),
        (0.2, 0.0, 1),
        (0.8, 1.0, 1),
        (0.9, pytest.approx(2 / 3, abs=1e-6), 3),
    ]
    assert calibration_error(table) == pytest.approx((3 * 0.23333 + 0.2 + 0.2 + 3 * 0.23333) / 8, abs=1e-3)
