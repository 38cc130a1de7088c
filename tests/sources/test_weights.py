"""Weights of sources: each formula on numbers small enough to work out by hand, and what holds for all of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entp.errors import DataError, UsageError
from entp.sources.weights import (
    SMOOTHING,
    by_entropy,
    by_temperature,
    doremi_step,
    fixed,
)

counts = st.lists(st.integers(1, 10**9), min_size=1, max_size=8)
losses = st.lists(st.floats(-5, 20), min_size=1, max_size=8)


def test_shares_are_made_to_add_up():
    assert fixed([2, 1, 1]) == pytest.approx([0.5, 0.25, 0.25])
    assert fixed([3, 0]).tolist() == [1.0, 0.0]
    assert fixed([1e308, 1e308]).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("shares", [[], [0, 0], [1, -1], [1, math.nan], [1, math.inf], [[1, 2]]])
def test_shares_that_mean_nothing_are_refused(shares: list):
    with pytest.raises(UsageError, match="source shares must be numbers of 0 or more"):
        fixed(shares)


def test_temperature_flattens_the_sizes():
    # Sizes 1 : 9 are 1 : 3 by square root, and 1 : 81 squared.
    assert by_temperature([100, 900], 1) == pytest.approx([0.1, 0.9])
    assert by_temperature([100, 900], 2) == pytest.approx([0.25, 0.75])
    assert by_temperature([100, 900], 0.5) == pytest.approx([1 / 82, 81 / 82])
    assert by_temperature([100, 900], math.inf).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("temperature", [0, -1, math.nan])
def test_a_temperature_is_above_0(temperature: float):
    with pytest.raises(UsageError, match="must be above 0"):
        by_temperature([1, 2], temperature)


def test_a_source_without_rows_is_named():
    with pytest.raises(DataError, match="source 1 has no rows"):
        by_temperature([5, 0], 1)


def test_entropy_weighs_by_the_number_of_choices():
    # A source of 2 equally likely continuations against one of 6.
    assert by_entropy([math.log(2), math.log(6)]) == pytest.approx([0.25, 0.75])


def test_doremi_moves_towards_the_source_that_lags():
    # Equal weights, excess log 3 and 0: 3 to 1 before smoothing.
    assert doremi_step([0.5, 0.5], [math.log(3), 0], smoothing=0) == pytest.approx([0.75, 0.25])
    assert doremi_step([0.5, 0.5], [math.log(3), 0], smoothing=0.2) == pytest.approx([0.7, 0.3])
    assert doremi_step([0.5, 0.5], [math.log(3), 0], step=2, smoothing=0) == pytest.approx([0.9, 0.1])
    assert doremi_step([0.2, 0.8], [math.log(4), 0], smoothing=0) == pytest.approx([0.5, 0.5])


def test_a_proxy_that_is_ahead_counts_as_level():
    assert doremi_step([0.3, 0.7], [-4, 0], smoothing=0) == pytest.approx([0.3, 0.7])


def test_smoothing_brings_a_source_back():
    assert doremi_step([1, 0], [0, 1], smoothing=0).tolist() == [1.0, 0.0]
    assert doremi_step([1, 0], [0, 1])[1] == pytest.approx(SMOOTHING / 2)


def test_losses_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match="excess loss of source 1 is no finite number"):
        doremi_step([0.5, 0.5], [0, math.nan])
    with pytest.raises(DataError, match="2 source weights, but excess losses of 3"):
        doremi_step([0.5, 0.5], [0, 0, 0])
    with pytest.raises(DataError, match="no source to weigh"):
        by_entropy([])


@given(counts, st.floats(0.01, 100), losses)
def test_weights_are_shares(sizes: list[int], temperature: float, excess: list[float]):
    equal = [1.0] * len(excess)
    for found in (fixed(sizes), by_temperature(sizes, temperature), by_entropy(excess), doremi_step(equal, excess)):
        assert (found >= 0).all()
        assert found.sum() == pytest.approx(1)


@given(counts, st.floats(0.1, 100), st.randoms())
def test_the_order_of_the_sources_does_not_matter(sizes: list[int], temperature: float, chance):
    order = list(range(len(sizes)))
    chance.shuffle(order)
    shuffled = by_temperature([sizes[place] for place in order], temperature)
    assert shuffled == pytest.approx(by_temperature(sizes, temperature)[order])


@given(counts, st.floats(1, 50), st.floats(1, 50))
def test_a_higher_temperature_never_sharpens(sizes: list[int], one: float, other: float):
    cool, warm = (by_temperature(sizes, temperature) for temperature in sorted((one, other)))
    assert warm.max() <= cool.max() + 1e-9
    assert warm.min() >= cool.min() - 1e-9


@given(losses)
def test_doremi_keeps_some_of_every_source(excess: list[float]):
    found = np.ones(len(excess))
    for _ in range(5):
        found = doremi_step(found, excess)
    assert (found >= SMOOTHING / len(excess) - 1e-12).all()
    if (lag := np.maximum(excess, 0)).max() > lag.min() + 1e-6:
        assert found[np.argmax(excess)] > 1 / len(excess)
