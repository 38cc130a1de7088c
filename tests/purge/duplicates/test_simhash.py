"""Near-copies have near fingerprints, and every near pair is found."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entp.purge.duplicates.simhash import fingerprints, hamming_pairs, simhash

WORDS = [f"word{number}" for number in range(2000)]
BIT_FLIPS = st.lists(st.integers(0, 63), max_size=6)


def prose(seed: int, words: int = 150) -> list[str]:
    return random.Random(seed).choices(WORDS, k=words)


def distances(found: np.ndarray) -> np.ndarray:
    return np.bitwise_count(found[:, None] ^ found[None, :])


def pairs(found: np.ndarray, distance: int) -> list[list[int]]:
    return sorted(pair for piece in hamming_pairs(found, distance) for pair in piece.tolist())


def test_a_fingerprint_is_the_majority_of_its_features_bits():
    features = np.array([0b1100, 0b1010, 0b1001, 0b0001], np.uint64)
    assert simhash(features, np.array([0, 3, 4])).tolist() == [0b1000, 0b0001]
    assert simhash(features[:3], np.array([0, 3]), np.array([5, 1, 1])).tolist() == [0b1100]


def test_an_edited_copy_is_nearer_than_any_other_text():
    texts = [" ".join(prose(seed)) for seed in range(60)]
    copies = [" ".join([*prose(seed)[:-3], "quite", "another", "end"]) for seed in range(60)]
    apart = distances(fingerprints([*texts, *copies], 1))
    assert np.median(apart[np.arange(60), np.arange(60, 120)]) <= 6
    np.fill_diagonal(apart, 64)
    assert (apart[:60].argmin(axis=1) == np.arange(60, 120)).all()


def test_case_punctuation_and_white_space_make_no_difference():
    same = fingerprints(["Name three causes of it, please.", "name  three causes\nof it please"], 2)
    assert same[0] == same[1]


def test_texts_without_words_are_near_to_nothing_but_their_copies():
    found = fingerprints(["!!!", "", "???", "!!!"], 2)
    assert pairs(found, 3) == [[0, 3]]


@given(st.integers(0, 2**63), BIT_FLIPS, BIT_FLIPS, st.lists(st.integers(0, 2**64 - 1), max_size=20))
def test_all_pairs_within_the_distance_are_found_and_no_others(one: int, few: list[int], more: list[int], rest: list):
    near = [one, flipped(one, few), flipped(one, more), flipped(one, few + more), one]
    found = np.array([*near, *rest], np.uint64)
    apart = distances(found)
    for distance in (0, 1, 3, 6):
        expected = np.argwhere(np.triu(apart <= distance, 1))
        assert pairs(found, distance) == expected.tolist()


def flipped(number: int, bits: list[int]) -> int:
    for bit in bits:
        number ^= 1 << bit
    return number


@given(st.permutations(range(24)))
def test_fingerprints_belong_to_their_texts_in_any_order(order: list[int]):
    texts = [" ".join(prose(seed % 8, 5 + seed)) for seed in range(24)]
    assert fingerprints([texts[row] for row in order], 2).tolist() == fingerprints(texts, 2)[order].tolist()


def test_nothing_comes_of_nothing():
    assert pairs(fingerprints([], 2), 3) == []
    assert pairs(fingerprints(["one text"], 2), 3) == []


def test_an_impossible_distance_is_refused():
    with pytest.raises(ValueError, match="distance 64"):
        pairs(np.zeros(2, np.uint64), 64)


def test_many_rows_alike_come_in_pieces():
    sizes = [len(piece) for piece in hamming_pairs(np.zeros(300, np.uint64), 3)]
    assert sum(sizes) == 300 * 299 // 2
    assert max(sizes) < 300
