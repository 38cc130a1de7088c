from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from entp.rate.effects import length_correlation, source_share, without_effects

LENGTHS = pl.Series(np.random.default_rng(0).permutation(np.arange(10, 310)))
SOURCES = pl.Series(["a", "b", "c"] * 100)
MERIT = pl.Series(np.random.default_rng(1).normal(size=300))
KNOWN = {"length": LENGTHS, "source": SOURCES}


def correlation(one: pl.Series, other: pl.Series) -> float:
    return float(np.corrcoef(one.to_numpy(), other.to_numpy())[0, 1])


def test_length_goes_and_merit_stays():
    values = MERIT + 0.05 * LENGTHS
    cleaned = without_effects(values, KNOWN, ["length"])
    assert abs(length_correlation(values, LENGTHS)) > 0.9
    assert abs(length_correlation(cleaned, LENGTHS)) < 0.1
    assert correlation(cleaned, MERIT) > 0.95


def test_an_effect_that_bends_goes_too():
    values = -(((LENGTHS - 160) / 100) ** 2)
    assert without_effects(values, KNOWN, ["length"]).std() < 0.05 * values.std()


def test_sources_come_out_equal_on_average():
    values = MERIT + SOURCES.replace_strict({"a": 0.0, "b": 5.0, "c": -5.0}, return_dtype=pl.Float64)
    cleaned = without_effects(values, KNOWN, ["source"])
    assert source_share(values, SOURCES) > 0.9
    assert source_share(cleaned, SOURCES) == 0
    assert correlation(cleaned, MERIT) > 0.95


def test_an_effect_that_is_not_named_stays():
    values = MERIT + 0.05 * LENGTHS
    assert correlation(without_effects(values, KNOWN, ["source"]), values) > 0.95


def test_the_mean_stays_and_so_do_nulls():
    values = (MERIT + 0.05 * LENGTHS).to_list()
    values[7] = None
    cleaned = without_effects(pl.Series(values), KNOWN, ["length", "source"])
    assert cleaned.null_count() == 1
    assert cleaned[7] is None
    assert cleaned.mean() == pytest.approx(pl.Series(values).mean())


def test_a_handful_of_rows_is_no_source_of_its_own():
    sources = pl.Series([f"rare{place % 100}" for place in range(300)])
    cleaned = without_effects(MERIT, {**KNOWN, "source": sources}, ["source"])
    assert cleaned.to_list() == pytest.approx(MERIT.to_list())


def test_nothing_rated_leaves_nothing():
    assert without_effects(pl.Series([None, None], dtype=pl.Float64), KNOWN, []).to_list() == [None, None]


def test_a_rater_that_does_not_care_about_the_source_has_a_share_near_zero():
    assert source_share(MERIT, SOURCES) < 0.05


@pytest.mark.parametrize(("values", "others"), [([1.0, 1.0, 1.0], [1, 2, 3]), ([1.0, 2.0, 3.0], [5, 5, 5])])
def test_what_does_not_vary_has_no_effect(values, others):
    assert length_correlation(pl.Series(values), pl.Series(others)) is None
    assert source_share(pl.Series(values), pl.Series(others).cast(pl.String)) is None
