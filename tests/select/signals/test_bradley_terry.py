"""Strengths from pairwise judgements."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entp.select.signals.bradley_terry import PRIOR_VARIANCE, strengths


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


@pytest.mark.parametrize("games", [1, 10, 1000])
def test_who_always_wins_stays_finite(games: int):
    first, second = strengths(np.array([[0, 1]] * games), np.ones(games), 2)
    assert first == pytest.approx(-second)
    # Where the slope of the likelihood meets the prior's: games * P(second wins) = strength / variance.
    assert games * sigmoid(second - first) == pytest.approx(first / PRIOR_VARIANCE, rel=1e-3)


def test_three_in_a_row_are_evenly_apart():
    # 0 beats 1 as often as 1 beats 2, and the prior is symmetric.
    pairs = np.array([[0, 1], [1, 2]] * 200)
    found = strengths(pairs, np.full(400, 0.9), 3)
    assert found[1] == pytest.approx(0, abs=1e-4)
    assert found[0] == pytest.approx(-found[2], abs=1e-4)
    assert found[0] == pytest.approx(math.log(9), rel=0.02)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.floats(0, 1)), min_size=1, max_size=30), st.randoms()
)
def test_neither_names_nor_sides_nor_order_matter(judged: list[tuple[int, int, float]], chance):
    judged = [(one, other, wins) for one, other, wins in judged if one != other]
    if not judged:
        return
    pairs, wins = np.array([pair[:2] for pair in judged]), np.array([pair[2] for pair in judged])
    found = strengths(pairs, wins, 6)
    seen = np.isin(np.arange(6), pairs)
    assert np.isfinite(found[seen]).all()
    assert np.isnan(found[~seen]).all()
    assert found[seen].mean() == pytest.approx(0, abs=1e-9)
    assert strengths(pairs[:, ::-1], 1 - wins, 6) == pytest.approx(found, abs=1e-3, nan_ok=True)
    names, order = list(range(6)), list(range(len(judged)))
    chance.shuffle(names)
    chance.shuffle(order)
    renamed = strengths(np.array(names)[pairs][order], wins[order], 6)
    assert renamed[names] == pytest.approx(found, abs=1e-3, nan_ok=True)
