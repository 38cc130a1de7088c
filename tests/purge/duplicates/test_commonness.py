"""What many other samples say weighs less, by how many say it; a sample's own words don't count."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entp.purge.duplicates.commonness import commonness, count, empty_counts, weights

WORDS = [f"word{number}" for number in range(5000)]
CELLS = 1 << 16


def prose(seed: int, words: int = 30) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))


def scored(texts: Sequence[str], chunk: int = 7) -> np.ndarray:
    counts = empty_counts(CELLS)
    for start in range(0, len(texts), chunk):
        count(texts[start : start + chunk], counts)
    return commonness(texts, counts, len(texts))


def test_the_more_samples_say_a_thing_the_commoner_it_is():
    texts = [prose(seed) for seed in range(40)]
    repeated = {copies: prose(1000 + copies) for copies in (2, 5, 50)}
    pool = [*texts, *(text for copies, text in repeated.items() for _ in range(copies))]
    found = dict(zip(pool, scored(pool), strict=True))
    ladder = [max(found[text] for text in texts), *(found[text] for text in repeated.values())]
    assert ladder == sorted(ladder)
    assert ladder[0] < 0.05 < ladder[1] < 0.5 < ladder[2]
    assert ladder[3] > 0.9


def test_a_sample_alone_is_not_common_for_repeating_itself():
    others = [prose(seed) for seed in range(40)]
    once, often = scored([*others, "quite another text", "some unheard song " * 20])[-2:]
    assert often == pytest.approx(once, rel=0.5)
    assert often < 0.05


def test_length_alone_does_not_make_rare():
    pool = [prose(seed, 20 + 10 * (seed % 2) * 20) for seed in range(200)]
    found = scored(pool)
    assert np.median(found[1::2]) == pytest.approx(np.median(found[0::2]), rel=0.5)


def test_by_hand():
    # Nine samples, of which three say "a b". P(a) = 2.1 / 9.1, and P(b | a) has two of the two other "a".
    pool = ["a b", "a b", "a b", *"cdefgh"]
    first = 2.1 / 9.1
    second = (2 + 4 * first) / (2 + 4)
    assert scored(pool)[0] == pytest.approx(np.sqrt(first * second), rel=1e-6)


@given(st.permutations(range(30)), st.integers(1, 30))
@settings(max_examples=30, deadline=None)
def test_neither_order_nor_chunks_make_a_difference(order: list[int], chunk: int):
    texts = [prose(seed % 20, 3 + seed % 5) for seed in range(30)]
    assert scored([texts[row] for row in order], chunk).tolist() == scored(texts, 30)[order].tolist()


def test_a_small_table_can_only_make_samples_commoner():
    texts = [prose(seed) for seed in range(300)]
    crowded = empty_counts(1 << 12)
    count(texts, crowded)
    small = commonness(texts, crowded, len(texts))
    assert np.median(small) > np.median(scored(texts))


@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0, 1), st.floats(0.01, 1))
def test_weights_fall_with_commonness_between_the_floor_and_one(common: list[float], quantile: float, floor: float):
    found = weights(np.array(common), quantile, floor)
    assert ((found >= floor) & (found <= 1)).all()
    assert (np.diff(found[np.argsort(common)]) <= 0).all()


def test_weights_are_in_inverse_proportion_above_the_quantile():
    assert weights(np.array([0.1, 0.2, 0.4, 0.8, 0.2]), 0.5, 0.3).tolist() == [1.0, 1.0, 0.5, 0.3, 1.0]


def test_a_text_without_words_keeps_its_weight():
    found = scored(["", "!!!", "a b c", "a b c"])
    assert found[:2].tolist() == [0, 0]
    assert weights(found, 0.0, 0.1)[:2].tolist() == [1, 1]
    assert scored([]).shape == (0,)


def test_a_table_size_that_is_no_power_of_two_is_refused():
    with pytest.raises(ValueError, match="power of two"):
        empty_counts(1000)
