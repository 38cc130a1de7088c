"""Variants side by side: worked examples, and what a comparison tells apart."""

from __future__ import annotations

import math

import polars as pl
import pytest

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
