"""The estimator on made-up pairs, whose totals are known."""

from __future__ import annotations

import numpy as np
import pytest

from entp.plan.estimate import Sample, each, pairs_until, successes, total
from entp.plan.pilot import draw

RNG = np.random.default_rng(0)
COUNT, PILOT = 400, 20
SIZES = RNG.lognormal(5, 0.6, COUNT)
#: Tokens as pairs take them: a part for the templates, one by size, and scatter that leans to the high side.
TOOK = 2000 + 8 * SIZES + 250 * RNG.gamma(4.0, 1.0, COUNT)


def sample(seed: int = 0, count: int = PILOT) -> Sample:
    return Sample(SIZES, draw(COUNT, count, seed))


def test_what_is_a_straight_line_in_size_is_known_from_three_pairs():
    pilot = sample(count=3)
    known = total(pilot, (5 + 2 * SIZES)[pilot.places], COUNT)
    assert known.expected == pytest.approx((5 + 2 * SIZES).sum())
    assert known.low == pytest.approx(known.high)


def test_a_pilot_of_all_pairs_is_exact():
    pilot = Sample(SIZES, draw(COUNT, COUNT, 0))
    known = total(pilot, TOOK, COUNT)
    assert known.low == known.expected == known.high == pytest.approx(TOOK.sum())


def test_the_interval_holds_the_true_total_about_nine_times_in_ten():
    ranges = [total(pilot, TOOK[pilot.places], COUNT) for pilot in map(sample, range(1000))]
    held = np.mean([known.low <= TOOK.sum() <= known.high for known in ranges])
    assert 0.86 < held < 0.94


def test_sizes_make_the_error_smaller_than_the_plain_mean_has_it():
    pilots = list(map(sample, range(300)))
    by_size = [total(pilot, TOOK[pilot.places], COUNT).expected for pilot in pilots]
    plain = [TOOK[pilot.places].mean() * COUNT for pilot in pilots]
    assert np.std(by_size) < 0.6 * np.std(plain)


def test_a_total_is_never_under_what_the_pilot_took():
    pilot = Sample(np.ones(6), np.array([0, 1, 2, 3]))
    took = np.array([1.0, 1.0, 1.0, 900.0])
    assert total(pilot, took, 6).low == took.sum()


def test_pairs_of_one_size_are_told_by_their_mean():
    pilot = Sample(np.ones(10), np.array([1, 4, 7]))
    assert total(pilot, np.array([2.0, 4.0, 6.0]), 10).expected == pytest.approx(40)


def test_the_first_pairs_have_a_total_of_their_own():
    pilot = sample()
    assert total(pilot, TOOK[pilot.places], 50).expected == pytest.approx(each(pilot, TOOK[pilot.places])[:50].sum())


def test_a_pilot_without_success_leaves_room_for_some():
    none = successes(sample(), [False] * PILOT, COUNT)
    assert none.expected == none.low == 0
    assert 5 < none.high < 60


def test_a_limit_lets_the_pairs_under_way_come_to_their_end():
    assert pairs_until(10, np.full(6, 9.0), in_flight=2) == 3
    assert pairs_until(9, np.full(6, 9.0), in_flight=1) == 1
    assert pairs_until(55, np.full(6, 9.0), in_flight=1) is None


def test_a_larger_pilot_holds_the_smaller_one():
    assert set(draw(COUNT, 20, 1)) < set(draw(COUNT, 40, 1))
    assert set(draw(COUNT, 20, 1)) != set(draw(COUNT, 20, 2))
