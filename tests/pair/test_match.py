from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from entp.pair import match as module
from entp.pair.match import Edge, complementarity, find_candidates, match, match_greedily
from entp.pair.vocabulary import novelty, vocabulary

#: Greedy takes the middle edge of this path and leaves both ends alone.
PATH = [Edge(0, 1, 0.5, 0.6), Edge(1, 2, 0.5, 0.7), Edge(2, 3, 0.5, 0.6)]
NO_WORDS = [frozenset[str]()] * 8


def fan(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)


def test_the_matching_maximises_the_sum_where_greed_would_not():
    assert [(edge.first, edge.second) for edge in match(PATH, 4)] == [(0, 1), (2, 3)]
    assert [(edge.first, edge.second) for edge in match_greedily(PATH)] == [(1, 2)]


def test_a_large_group_is_matched_greedily(monkeypatch):
    monkeypatch.setattr(module, "EXACT_GROUP", 3)
    assert match(PATH, 4) == match_greedily(PATH)


def test_no_sample_is_in_two_pairs():
    random = np.random.default_rng(0)
    edges = [Edge(a, b, 0.5, round(random.random(), 6)) for a, b in combinations(range(30), 2) if random.random() < 0.3]
    for chosen in (match(edges, 30), match_greedily(edges)):
        used = [row for edge in chosen for row in (edge.first, edge.second)]
        assert len(used) == len(set(used)) > 20


def test_only_direct_neighbours_are_candidates():
    edges = find_candidates(fan(0, 30, 60, 90), NO_WORDS, neighbours=1, window=(-1.0, 1.0)).edges
    assert [(edge.first, edge.second) for edge in edges] == [(0, 1), (1, 2), (2, 3)]


def test_near_duplicates_and_strangers_are_counted_and_left_out():
    candidates = find_candidates(fan(0, 5, 45, 130), NO_WORDS, neighbours=3, window=(0.25, 0.92))
    assert [(edge.first, edge.second) for edge in candidates.edges] == [(0, 2), (1, 2)]
    assert candidates.too_similar == 1
    assert candidates.too_different == 3


def test_complementary_means_the_middle_of_the_window_and_words_of_ones_own():
    window = (0.2, 0.8)
    assert complementarity(0.5, 1.0, window) == 1.0
    assert complementarity(0.8, 0.0, window) == pytest.approx(0.0)
    assert complementarity(0.5, 0.2, window) < complementarity(0.5, 0.4, window)
    assert complementarity(0.3, 0.5, window) < complementarity(0.45, 0.5, window)


def test_novelty_is_the_share_of_words_that_only_one_text_has():
    assert novelty(vocabulary("Prune the roses"), vocabulary("prune hedges")) == pytest.approx(2 / 3)
    assert novelty(vocabulary("roses"), vocabulary("Roses!")) == 0.0
    assert novelty(vocabulary(""), vocabulary("")) == 0.0


def test_chinese_words_are_pairs_of_characters():
    assert vocabulary("修剪玫瑰") == {"修剪", "剪玫", "玫瑰"}
