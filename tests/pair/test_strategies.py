from __future__ import annotations

import numpy as np
import pytest

from entp.config import Config
from entp.pair.strategies import (
    Candidates,
    by_chance,
    complementarity,
    in_other_clusters,
    in_own_cluster,
    left_over,
    novelty,
    vocabulary,
    why_left_over,
)
from entp.params import load
from entp.records import LEFT_OVER_REASONS
from tests.pair.pools import clouds, fan, pool

ONE_CLUSTER = np.zeros(4, dtype=np.int64)


def config(*overrides: str) -> Config:
    return load(overrides=[f"pair.{override}" for override in overrides])


def ends(candidates: Candidates) -> list[tuple[int, int]]:
    return [(edge.first, edge.second) for edge in candidates.edges]


def test_only_direct_neighbours_are_candidates():
    settings = config("neighbours=1", "similarity_min=-1", "similarity_max=1")
    assert ends(in_own_cluster(pool(fan(0, 30, 60, 90)), ONE_CLUSTER, settings)) == [(0, 1), (1, 2), (2, 3)]


def test_near_duplicates_and_strangers_are_no_candidates_and_counted_at_both_ends():
    candidates = in_own_cluster(pool(fan(0, 5, 45, 130)), ONE_CLUSTER, config("neighbours=3"))
    assert ends(candidates) == [(0, 2), (1, 2)]
    assert candidates.possible.tolist() == [1, 1, 2, 0]
    assert candidates.too_similar.tolist() == [1, 1, 0, 0]
    assert candidates.too_different.tolist() == [1, 1, 1, 3]


def test_a_candidate_is_of_the_same_cluster_and_language():
    near = pool(fan(0, 30, 60, 90), languages=["en", "zh", "en", "en"])
    candidates = in_own_cluster(near, np.array([0, 0, 0, 1]), Config())
    assert ends(candidates) == [(0, 2)]
    assert candidates.possible.tolist() == [1, 0, 1, 0]


def test_across_clusters_the_nearest_outside_is_sought_in_the_same_window():
    near = pool(fan(0, 30, 60, 90), languages=["en", "en", "en", "zh"])
    candidates = in_other_clusters(near, np.array([0, 0, 1, 1]), config("neighbours=1"))
    assert ends(candidates) == [(0, 2), (1, 2)]
    assert candidates.possible.tolist() == [1, 1, 2, 0]


def test_across_clusters_every_edge_leaves_its_cluster_and_is_as_near_as_an_exact_search_says():
    vectors = clouds((12, 9, 7))
    clusters = np.repeat([0, 1, 2], (12, 9, 7))
    candidates = in_other_clusters(pool(vectors), clusters, config("neighbours=2", "similarity_min=-1"))
    similarity = vectors @ vectors.T
    similarity[clusters[:, None] == clusters[None, :]] = -np.inf
    nearest_two = {
        (min(row, other), max(row, other)) for row in range(28) for other in np.argsort(-similarity[row])[:2].tolist()
    }
    assert set(ends(candidates)) == nearest_two


def test_chance_takes_everyone_of_a_language_once_and_asks_no_window():
    apart = pool(fan(0, 1, 90, 180, 200, 300, 350), languages=["en"] * 5 + ["zh"] * 2)
    candidates = by_chance(apart, np.zeros(7, dtype=np.int64), Config())
    used = [row for pair in ends(candidates) for row in pair]
    assert len(used) == len(set(used)) == 6
    assert (5, 6) in ends(candidates)
    assert candidates.possible.tolist() == [4] * 5 + [1] * 2


def test_another_seed_draws_other_pairs_and_the_same_seed_the_same():
    many = pool(clouds((20,)))
    drawn = [
        ends(by_chance(many, np.zeros(20, dtype=np.int64), load(overrides=[f"seed={seed}"]))) for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_complementary_means_the_middle_of_the_window_and_words_of_ones_own():
    window = (0.2, 0.8)
    assert complementarity(0.5, 1.0, window) == 1.0
    assert complementarity(0.8, 0.0, window) == pytest.approx(0.0)
    assert complementarity(-0.4, 0.6, window) == 0.3
    assert complementarity(0.5, 0.2, window) < complementarity(0.5, 0.4, window)
    assert complementarity(0.3, 0.5, window) < complementarity(0.45, 0.5, window)


def test_novelty_is_the_share_of_words_that_only_one_text_has():
    assert novelty(vocabulary("Prune the roses"), vocabulary("prune hedges")) == pytest.approx(2 / 3)
    assert novelty(vocabulary("roses"), vocabulary("Roses!")) == 0.0
    assert novelty(vocabulary(""), vocabulary("")) == 0.0


def test_chinese_words_are_pairs_of_characters():
    assert vocabulary("修剪玫瑰") == {"修剪", "剪玫", "玫瑰"}


@pytest.mark.parametrize(
    ("possible", "too_different", "too_similar", "expected"),
    [
        (3, 0, 7, "partner_taken"),
        (0, 6, 4, "too_different"),
        (0, 5, 5, "too_different"),
        (0, 4, 6, "too_similar"),
        (0, 0, 0, "alone_in_group"),
    ],
)
def test_the_reason_is_where_the_neighbours_lie(possible, too_different, too_similar, expected):
    assert why_left_over(possible, too_different, too_similar) == expected
    assert expected in LEFT_OVER_REASONS


def test_whoever_is_in_no_pair_has_a_reason():
    samples = pool(fan(0, 45, 20, 180, 182, 90), languages=["en"] * 5 + ["zh"])
    candidates = in_own_cluster(samples, np.zeros(6, dtype=np.int64), load(overrides=["pair.neighbours=1"]))
    chosen = [edge for edge in candidates.edges if (edge.first, edge.second) == (1, 2)]
    assert left_over(candidates, chosen) == {
        0: "too_similar",
        3: "too_similar",
        4: "too_similar",
        5: "alone_in_group",
    }
