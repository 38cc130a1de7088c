"""Entropy of sources: over equally many neighbouring words of each, whatever the order of the rows."""

from __future__ import annotations

import math
import random

import polars as pl
import pytest

from entp.errors import DataError
from entp.records import SAMPLES
from entp.sources.entropy import entropies
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
