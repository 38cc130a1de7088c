"""Bootstrap intervals, over pairs and over seeds and items, hold what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from entp import bootstrap


def test_a_mean_lies_in_its_interval_which_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(1)
    covered = [bootstrap.mean(random.binomial(1, 0.3, 80).astype(float)) for _ in range(200)]
    assert 0.88 <= np.mean([low <= 0.3 <= high for _, low, high in covered]) <= 0.99
    assert all(low <= value <= high for value, low, high in covered)


def test_a_ratio_is_of_sums_and_has_no_upper_end_where_a_resample_has_nothing():
    estimate = bootstrap.ratio(np.array([300.0, 100.0]), np.array([1.0, 1.0]))
    assert estimate.value == 200
    assert math.isinf(bootstrap.ratio(np.array([300.0, 100.0]), np.array([1.0, 0.0])).high)


def test_what_has_no_values_has_no_estimate():
    none, some = np.array([]), np.array([1.0])
    for estimate in (bootstrap.mean(np.array([np.nan])), bootstrap.difference(none, some), bootstrap.ratio(none, none)):
        assert all(math.isnan(number) for number in estimate)


def test_the_value_of_a_table_is_the_plain_mean():
    assert bootstrap.two_way_mean(np.array([[1.0, 0.0], [0.0, 0.0]])).value == 0.25
    assert bootstrap.two_way_lead(np.array([[1.0, 1.0]]), np.array([[0.0, 1.0], [0.0, 0.0]])).value == 0.75


def test_one_seed_and_one_item_have_no_interval():
    assert math.isnan(bootstrap.two_way_mean(np.array([[0.5]])).low)


def test_items_that_are_hard_for_both_do_not_blur_a_lead():
    generator = np.random.default_rng(1)
    hard = generator.normal(0, 10, size=(1, 200))
    ours, theirs = hard + 0.5 + generator.normal(0, 0.1, (3, 200)), hard + generator.normal(0, 0.1, (3, 200))
    lead, mean = bootstrap.two_way_lead(ours, theirs), bootstrap.two_way_mean(ours)
    assert lead.low > 0.4
    assert lead.high - lead.low < 0.1 < mean.high - mean.low


def test_a_lucky_seed_widens_the_interval():
    values = np.zeros((3, 50))
    values[0] = 1.0
    wide = bootstrap.two_way_mean(values)
    assert wide.high - wide.low > 0.6


@pytest.mark.parametrize("true_lead", [0.0, 0.05])
def test_two_way_intervals_cover_the_true_lead_about_as_often_as_they_say(true_lead: float):
    covered = 0
    for trial in range(60):
        generator = np.random.default_rng(trial)
        items, seeds = generator.normal(0.5, 0.2, 80), generator.normal(0, 0.02, 8)
        noise = generator.normal(0, 0.1, (8, 80))
        values = items + seeds[:, None] + noise
        lead = bootstrap.two_way_lead(values[:4] + true_lead, values[4:])
        covered += lead.low <= true_lead <= lead.high
    assert covered >= 50
