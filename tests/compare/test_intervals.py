"""Intervals over seeds and items hold what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from entp.compare import intervals


def test_the_value_is_the_plain_mean():
    assert intervals.mean(np.array([[1.0, 0.0], [0.0, 0.0]])).value == 0.25
    assert intervals.lead(np.array([[1.0, 1.0]]), np.array([[0.0, 1.0], [0.0, 0.0]])).value == 0.75


def test_one_seed_and_one_item_have_no_interval():
    assert math.isnan(intervals.mean(np.array([[0.5]])).low)


def test_items_that_are_hard_for_both_do_not_blur_a_lead():
    generator = np.random.default_rng(1)
    hard = generator.normal(0, 10, size=(1, 200))
    ours, theirs = hard + 0.5 + generator.normal(0, 0.1, (3, 200)), hard + generator.normal(0, 0.1, (3, 200))
    lead, mean = intervals.lead(ours, theirs), intervals.mean(ours)
    assert lead.low > 0.4
    assert lead.high - lead.low < 0.1 < mean.high - mean.low


def test_a_lucky_seed_widens_the_interval():
    values = np.zeros((3, 50))
    values[0] = 1.0
    wide = intervals.mean(values)
    assert wide.high - wide.low > 0.6


@pytest.mark.parametrize("true_lead", [0.0, 0.05])
def test_intervals_cover_the_true_lead_about_as_often_as_they_say(true_lead: float):
    covered = 0
    for trial in range(60):
        generator = np.random.default_rng(trial)
        items, seeds = generator.normal(0.5, 0.2, 80), generator.normal(0, 0.02, 8)
        noise = generator.normal(0, 0.1, (8, 80))
        values = items + seeds[:, None] + noise
        found = intervals.lead(values[:4] + true_lead, values[4:])
        covered += found.low <= true_lead <= found.high
    assert covered >= 50
