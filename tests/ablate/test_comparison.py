"""Estimates over pairs: worked examples, and what a comparison tells apart."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from entp.ablate import intervals
from entp.ablate.comparison import compare
from entp.ablate.variants import chosen
from entp.errors import UsageError


def outcomes(accepted, ids=None, tokens=100):
    count = len(accepted)
    return pl.DataFrame(
        {
            "pair_id": ids or [f"p{n}" for n in range(count)],
            "accepted": [bool(value) for value in accepted],
            "loss_first": [0.5] * count,
            "loss_last": [0.25] * count,
            "gain": [None, *[0.1] * (count - 1)],
            "calls": [9] * count,
            "tokens": [tokens] * count,
        },
        schema_overrides={"gain": pl.Float64},
    )


def test_a_mean_lies_in_its_interval_which_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(1)
    covered = [intervals.mean(random.binomial(1, 0.3, 80).astype(float)) for _ in range(200)]
    assert 0.88 <= np.mean([low <= 0.3 <= high for _, low, high in covered]) <= 0.99
    assert all(low <= value <= high for value, low, high in covered)


def test_a_ratio_is_of_sums_and_has_no_upper_end_where_a_resample_has_nothing():
    estimate = intervals.ratio(np.array([300.0, 100.0]), np.array([1.0, 1.0]))
    assert estimate.value == 200
    assert math.isinf(intervals.ratio(np.array([300.0, 100.0]), np.array([1.0, 0.0])).high)


def test_unrated_drafts_are_left_out_of_the_rating_gain():
    assert compare({"entp": outcomes([1, 0, 1])})["entp"]["rating_gain"].value == pytest.approx(0.1)


def test_the_same_pairs_are_compared_pair_by_pair_and_others_are_not():
    """Accepting each of the same pairs or not, alike, leaves no doubt; of other pairs it does."""
    verdicts = [1, 0] * 20
    others = [f"q{n}" for n in range(40)]
    comparison = compare(
        {"entp": outcomes(verdicts), "same": outcomes(verdicts), "other": outcomes(verdicts, ids=others)}
    )
    assert comparison["same"]["accepted_difference"] == (0.0, 0.0, 0.0)
    value, low, high = comparison["other"]["accepted_difference"]
    assert (value, low < -0.1, high > 0.1) == (0.0, True, True)


def test_what_nobody_accepted_has_no_price():
    assert math.isinf(compare({"entp": outcomes([0, 0])})["entp"]["tokens_per_accepted"].value)


def test_an_unknown_variant_is_named_and_the_whole_method_is_always_there():
    assert list(chosen(["one_shot"])) == ["entp", "one_shot"]
    with pytest.raises(UsageError, match="no variant 'oneshot'; did you mean 'one_shot'"):
        chosen(["oneshot"])
