"""Signals that need no model."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from entp.errors import UsageError
from entp.select.signals import curation, importance, lexicon, target
from entp.text.words import words
from tests.select.signals.pools import numbered, pool_of, samples_of


def test_overlap_is_the_share_of_distinct_words_that_the_target_uses(tmp_path: Path):
    own = samples_of(("Name a city", "Rome, Rome"), ("Tea", "leaf"))
    wanted = samples_of(("Which city", "Rome"))
    frame = lexicon.compute(pool_of(own, tmp_path, wanted)).frame
    # name, a, city, rome: two of four
    assert frame["target_overlap"].to_list() == [0.5, 0.0]


def test_a_target_is_asked_for_by_its_option(tmp_path: Path):
    with pytest.raises(UsageError, match="--target"):
        lexicon.compute(pool_of(numbered(3), tmp_path))


def test_importance_is_dsir_s_log_ratio_of_bucket_shares(tmp_path: Path):
    own = samples_of(("red red", "blue"), ("green", "grey"))
    wanted = samples_of(("red", "blue blue"))

    def features(texts: list[str]) -> Counter[tuple[str, ...]]:
        found: Counter[tuple[str, ...]] = Counter()
        for text in texts:
            told = words(text)
            found.update([(word,) for word in told])
            found.update(pairwise(told))
        return found

    ours, theirs = ["red red\nblue", "green\ngrey"], ["red\nblue blue"]
    pool_counts, target_counts = features(ours), features(theirs)
    pool_size, target_size = sum(pool_counts.values()), sum(target_counts.values())

    def log_ratio(feature: tuple[str, ...]) -> float:
        p = (target_counts[feature] + 1) / (target_size + importance.BUCKETS)
        q = (pool_counts[feature] + 1) / (pool_size + importance.BUCKETS)
        return math.log(p / q)

    expected = [sum(log_ratio(f) * n for f, n in features([text]).items()) for text in ours]
    found = importance.compute(pool_of(own, tmp_path, wanted)).frame["importance"].to_list()
    assert found == pytest.approx(expected)


def test_the_cosine_is_that_of_the_nearest_target_item():
    vectors, wanted = np.array([[1.0, 0.0], [0.6, 0.8]]), np.array([[0.0, 1.0], [0.8, 0.6]])
    assert target.nearest_cosine(vectors, wanted) == pytest.approx([0.8, 0.96])


def test_curation_hands_on_scores_and_distances(tmp_path: Path):
    pool = pool_of(numbered(12), tmp_path, settings=("curate.neighbours=3",))
    frame = curation.compute(pool).frame
    distances = np.sort(1 - pool.vectors @ pool.vectors.T + 9 * np.eye(12), axis=1)[:, :3].mean(axis=1)
    assert frame["neighbour_distance"].to_numpy() == pytest.approx(distances, abs=1e-5)
    assert frame["rating"].to_list() == [place % 6 for place in range(12)]
