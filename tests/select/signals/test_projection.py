"""What a projection does to inner products."""

from __future__ import annotations

import numpy as np
import pytest

from entp.select.signals.influence import unit
from entp.select.signals.projection import Projection, drawn


def matrix(projection: Projection) -> np.ndarray:
    """The same projection as a matrix [d, p]."""
    found = np.zeros((projection.dimensions, len(projection.sums)))
    found[projection.sums, np.arange(len(projection.sums))] = projection.signs
    return found


def test_every_coordinate_goes_to_one_sum_with_a_sign():
    projection = drawn(300, 20, seed=4)
    vector = np.random.default_rng(0).normal(size=300)
    assert projection(vector) == pytest.approx(matrix(projection) @ vector, abs=1e-5)
    assert set(np.abs(matrix(projection)).sum(axis=0)) == {1.0}
    assert set(projection.sums.tolist()) == set(range(20))
    assert abs(projection.signs.astype(int).sum()) < 60


def test_cosines_are_kept_within_the_noise_of_so_many_dimensions():
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(20, 50_000)) * generator.exponential(size=(1, 50_000)) + 0.8
    projection = drawn(50_000, 8192, seed=1)
    projected, exact = unit(np.stack([projection(vector) for vector in vectors])), unit(vectors)
    assert np.ptp(exact @ exact.T) > 0.5
    # The standard deviation is at most 1 / sqrt(8192) = 0.011.
    assert projected @ projected.T == pytest.approx(exact @ exact.T, abs=0.05)


def test_inner_products_have_mean_and_variance_of_dense_random_signs():
    one, other = np.random.default_rng(2).normal(size=(2, 60))
    found = np.array([np.dot(drawn(60, 10, seed)(one), drawn(60, 10, seed)(other)) for seed in range(6000)])
    exact = one @ other
    # Of dense signs over sqrt(d): (|x|^2 |y|^2 + <x, y>^2 - 2 sum x_i^2 y_i^2) / d
    variance = ((one @ one) * (other @ other) + exact**2 - 2 * (one**2 * other**2).sum()) / 10
    assert found.mean() == pytest.approx(exact, abs=4 * np.sqrt(variance / 6000))
    assert found.var() == pytest.approx(variance, rel=0.1)


def test_the_seed_and_nothing_else_decides():
    vector = np.arange(100.0)
    assert (drawn(100, 8, seed=1)(vector) == drawn(100, 8, seed=1)(vector)).all()
    assert (drawn(100, 8, seed=1)(vector) != drawn(100, 8, seed=2)(vector)).any()
