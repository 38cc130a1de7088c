from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entp.audit.diversity import distinct_ngrams, mean_distance

texts = st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=12).map(" ".join), min_size=1, max_size=8)


def test_different_ngrams_as_a_share_of_all():
    assert distinct_ngrams(["a b a b"], ["a b a b"], (1, 2, 3)) == [(2 / 4,) * 2, (2 / 3,) * 2, (1.0, 1.0)]


def test_a_larger_set_of_the_same_kind_is_no_less_varied():
    rng = np.random.default_rng(0)
    large = [" ".join(f"w{number}" for number in rng.zipf(1.5, 30)) for _ in range(2_000)]
    [(small_share, large_share)] = distinct_ngrams(large[:200], large, (2,))
    [(whole_share, _)] = distinct_ngrams(large, large, (2,))
    assert small_share == pytest.approx(large_share, rel=0.1)
    assert whole_share < 0.8 * small_share


def test_no_ngram_reaches_from_one_text_into_another():
    assert distinct_ngrams(["a b", "c d"], ["a b c d"], (3,)) == [(0.0, 1.0)]


@given(texts, texts, st.randoms(use_true_random=False))
def test_the_order_of_texts_changes_nothing(mine, theirs, random):
    before = distinct_ngrams(mine, theirs, (1, 2))
    random.shuffle(mine)
    random.shuffle(theirs)
    assert distinct_ngrams(mine, theirs, (1, 2)) == before


@given(st.integers(2, 12), st.integers(0, 1000))
def test_the_mean_distance_is_that_over_all_pairs(count, seed):
    vectors = np.random.default_rng(seed).normal(size=(count, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = np.mean([1 - one @ other for one, other in combinations(vectors, 2)])
    assert mean_distance(vectors.astype(np.float32)) == pytest.approx(expected, abs=1e-5)


def test_one_vector_has_no_spread():
    assert mean_distance(np.ones((1, 3))) == 0.0
