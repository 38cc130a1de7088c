from __future__ import annotations

from itertools import combinations
from operator import attrgetter

import numpy as np
import pytest

from entp.pair import match as module
from entp.pair.match import match
from entp.pair.strategies import Edge

COMPLEMENTARITY = attrgetter("complementarity")
#: Greed takes the middle edge of this path and leaves both ends alone.
PATH = [Edge(0, 1, 0.5, 0.6), Edge(1, 2, 0.9, 0.7), Edge(2, 3, 0.5, 0.6)]
NOWHERE = np.zeros((60, 2))


def ends(edges: list[Edge]) -> list[tuple[int, int]]:
    return [(edge.first, edge.second) for edge in edges]


def some_edges(size: int, seed: int = 0, rare: float = 0.3) -> list[Edge]:
    random = np.random.default_rng(seed)
    joined = [pair for pair in combinations(range(size), 2) if random.random() < rare]
    return [Edge(*pair, 0.5, round(random.random(), 6)) for pair in joined]


def best_sum(edges: list[Edge]) -> float:
    """By trying everything."""
    if not edges:
        return 0.0
    first, rest = edges[0], edges[1:]
    apart = [edge for edge in rest if not {edge.first, edge.second} & {first.first, first.second}]
    return max(best_sum(rest), first.complementarity + best_sum(apart))


def test_the_matching_maximises_the_sum_where_greed_would_not():
    assert ends(match(PATH, COMPLEMENTARITY, NOWHERE)) == [(0, 1), (2, 3)]


@pytest.mark.parametrize("seed", range(5))
def test_no_matching_is_better(seed):
    edges = some_edges(9, seed, rare=0.5)
    assert sum(map(COMPLEMENTARITY, match(edges, COMPLEMENTARITY, NOWHERE))) == pytest.approx(best_sum(edges))


def test_the_weight_decides_who_is_matched():
    lone = [PATH[0], PATH[1]]
    assert ends(match(lone, attrgetter("similarity"), NOWHERE)) == [(1, 2)]
    assert ends(match(lone, lambda edge: 1 - edge.similarity, NOWHERE)) == [(0, 1)]


def test_the_order_of_the_edges_does_not_matter_even_where_all_weigh_the_same():
    edges = some_edges(40)
    assert match(edges[::-1], lambda _: 1.0, NOWHERE) == match(edges, lambda _: 1.0, NOWHERE)


@pytest.mark.parametrize("limit", [60, 20])
def test_no_sample_is_in_two_pairs_and_few_are_in_none(monkeypatch, limit):
    monkeypatch.setattr(module, "EXACT_GROUP", limit)
    vectors = np.random.default_rng(1).normal(size=(60, 2))
    used = [row for pair in ends(match(some_edges(60), COMPLEMENTARITY, vectors)) for row in pair]
    assert len(used) == len(set(used)) >= 58


def test_a_group_matched_in_parts_comes_near_the_best_sum(monkeypatch):
    edges = some_edges(60)
    best = sum(map(COMPLEMENTARITY, match(edges, COMPLEMENTARITY, NOWHERE)))
    monkeypatch.setattr(module, "EXACT_GROUP", 30)
    vectors = np.random.default_rng(1).normal(size=(60, 2))
    assert 0.85 * best < sum(map(COMPLEMENTARITY, match(edges, COMPLEMENTARITY, vectors))) < best
