"""Entropy of sources: over equally many neighbouring words of each, whatever the order of the rows."""

from __future__ import annotations

import math
import random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entp.errors import DataError
from entp.records import SAMPLES
from entp.sources.entropy import conditional_entropy, entropies
from tests.datasets import sample

WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight"]


def rows(source: str, texts: list[str]) -> list[dict]:
    return [sample(f"q{number}", text, source, number) for number, text in enumerate(texts)]


def test_text_that_repeats_itself_is_foreseen_and_text_by_chance_is_not():
    chance = random.Random(0)
    regular = rows("regular", [" ".join(WORDS * 8)] * 40)
    free = rows("free", [" ".join(chance.choices(WORDS, k=64)) for _ in range(40)])
    found = entropies(pl.DataFrame(regular + free, schema=SAMPLES), seed=1)
    assert found["regular"] == pytest.approx(0, abs=0.01)
    # Eight words by chance are eight choices; that of a finite sample is a little lower.
    assert math.log(8) - 0.1 < found["free"] <= math.log(8)


def test_a_small_source_is_not_lower_for_being_small():
    chance = random.Random(1)
    texts = [" ".join(chance.choices(WORDS, k=32)) for _ in range(220)]
    samples = pl.DataFrame(rows("small", texts[:20]) + rows("large", texts[20:]), schema=SAMPLES)
    found = entropies(samples, seed=1)
    assert found["small"] == pytest.approx(found["large"], rel=0.05)


def test_the_order_of_the_rows_does_not_matter():
    chance = random.Random(2)
    samples = pl.DataFrame(
        rows("a", [" ".join(chance.choices(WORDS, k=9)) for _ in range(9)]) + rows("b", ["one two one"] * 3),
        schema=SAMPLES,
    )
    assert entropies(samples, seed=3) == entropies(samples.reverse(), seed=3)


def test_words_of_two_messages_are_no_neighbours():
    samples = pl.DataFrame([sample("one", "two", "short")], schema=SAMPLES)
    with pytest.raises(DataError, match="source 'short' has no two neighbouring words"):
        entropies(samples, seed=1)


def test_conditional_entropy_by_hand():
    # 1 is followed by 2 or 3, evenly; 2 always by 1: log 2 for the half of the pairs that begin with 1.
    assert conditional_entropy([1, 2, 1, 2], [2, 1, 3, 1]) == pytest.approx(math.log(2) / 2)
    assert conditional_entropy([1, 1, 1], [1, 1, 1]) == pytest.approx(0)
    with pytest.raises(DataError, match="without two neighbouring tokens"):
        conditional_entropy([], [])


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
def test_conditional_entropy_is_the_mean_surprise(pairs: list[tuple[int, int]]):
    opened = [first for first, _ in pairs]
    surprise = [-math.log(pairs.count(pair) / opened.count(pair[0])) for pair in pairs]
    found = conditional_entropy(opened, [second for _, second in pairs])
    assert found == pytest.approx(sum(surprise) / len(pairs), abs=1e-9)
