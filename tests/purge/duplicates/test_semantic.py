"""Of samples that mean the same one stays: the first in rank, and of a small group before a large one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entp.config import EmbedConfig
from entp.embed import embed_samples
from entp.purge.duplicates import semantic
from entp.purge.duplicates.semantic import clusters, semantic_duplicates, survivor_rank
from tests.datasets import sample
from tests.purge.pool import frame

EPS = 0.05


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def points(count: int, seed: int = 0) -> np.ndarray:
    """Vectors of which no two are close."""
    return unit(np.random.default_rng(seed).normal(size=(count, 64)))


def near(vectors: np.ndarray, seed: int = 1) -> np.ndarray:
    """Copies at a cosine of about 0.99."""
    return unit(vectors + 0.018 * np.random.default_rng(seed).normal(size=vectors.shape))


def duplicates(vectors: np.ndarray, rank: object = None, groups: object = None) -> tuple[list[int], np.ndarray]:
    count = len(vectors)
    survivor, cosine = semantic_duplicates(
        vectors,
        np.arange(count) if rank is None else np.array(rank),
        np.zeros(count, int) if groups is None else np.array(groups),
        EPS,
        seed=0,
    )
    return survivor.tolist(), cosine


def test_the_first_in_rank_survives_and_names_its_cosine():
    one = points(1)
    survivor, cosine = duplicates(np.concatenate([near(one), one, points(1, 5)]), rank=[2, 1, 0])
    assert survivor == [1, 1, 2]
    assert cosine.tolist() == pytest.approx([float(near(one)[0] @ one[0]), 1, 1], abs=1e-5)


def test_a_chain_of_similar_samples_is_not_one_duplicate():
    angles = np.arange(4) * 0.25
    chain = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert duplicates(chain)[0] == [0, 0, 2, 2]
    assert duplicates(chain, rank=[1, 0, 2, 3])[0] == [1, 1, 1, 3]


def test_planted_copies_are_found_across_many_clusters(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(semantic, "CLUSTER_SIZE", 100)
    monkeypatch.setattr(semantic, "BLOCK", 16)
    originals = points(1000)
    survivor, _ = duplicates(np.concatenate([originals, near(originals[:300])]))
    assert survivor[:1000] == list(range(1000))
    found = np.array(survivor[1000:]) == np.arange(300)
    assert found.mean() > 0.9
    assert all(name == own + 1000 for own, name in enumerate(survivor[1000:]) if not found[own])


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 3))
def test_every_survivor_survives_and_is_close_and_nothing_depends_on_the_order(random, groups: int):
    vectors = np.concatenate([points(20), near(points(20)), near(points(20), 2), points(10, 9)])
    rank = np.array(random.sample(range(70), 70))
    labels = np.array([random.randrange(groups + 1) for _ in range(70)])
    survivor, cosine = semantic_duplicates(vectors, rank, labels, EPS, seed=0)
    assert (survivor[survivor] == survivor).all()
    dropped = np.flatnonzero(survivor != np.arange(70))
    assert len(dropped)
    assert (cosine[dropped] > 1 - EPS).all()
    assert cosine[dropped] == pytest.approx((vectors[dropped] * vectors[survivor[dropped]]).sum(axis=1), abs=1e-4)
    order = np.array(random.sample(range(70), 70))
    moved, moved_cosine = semantic_duplicates(vectors[order], rank[order], labels[order], EPS, seed=0)
    assert (order[moved] == survivor[order]).all()
    assert (moved_cosine == cosine[order]).all()


def test_of_two_copies_the_one_of_the_small_group_stays():
    base = points(12)
    vectors = np.concatenate([base, near(base[:2])])
    groups = ["large"] * 12 + ["small"] * 2
    assert duplicates(vectors, groups=groups)[0] == [12, 13, *range(2, 14)]
    assert duplicates(vectors)[0] == [*range(12), 0, 1]


def test_a_small_group_gives_up_no_larger_share_than_the_pool():
    large, small = points(90), points(1, 7)
    vectors = np.concatenate([large, near(large[:9]), *(near(small, seed) for seed in range(10))])
    groups = ["large"] * 99 + ["small"] * 10
    survivor = np.array(duplicates(vectors, groups=groups)[0])
    dropped = survivor != np.arange(len(vectors))
    # 9 copies in the large group and 9 of 10 in the small one are found, 17 % of all; so 1 of 10 may go.
    assert (dropped[:99].sum(), dropped[99:].sum()) == (9, 1)


def test_rank_goes_by_rating_then_length_then_id():
    ids, lengths = ["d", "c", "b", "a", "e"], np.array([5, 9, 5, 5, 1])
    assert survivor_rank(ids, lengths).tolist() == [3, 0, 2, 1, 4]
    ratings = np.array([3.0, np.nan, 1.0, 3.0, 5.0])
    assert survivor_rank(ids, lengths, ratings).tolist() == [2, 4, 3, 1, 0]


def test_two_samples_of_one_rank_are_refused():
    with pytest.raises(ValueError, match="same rank"):
        semantic_duplicates(points(2), np.array([1, 1]), np.zeros(2), EPS, seed=0)


def test_a_pool_of_none_or_one_has_no_duplicates():
    assert duplicates(np.empty((0, 8), np.float32))[0] == []
    assert duplicates(points(1))[0] == [0]


def test_clusters_have_about_the_size_aimed_at(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(semantic, "CLUSTER_SIZE", 100)
    assert 5 <= len(np.unique(clusters(points(1000), seed=0))) <= 10


@pytest.mark.model
def test_the_same_question_in_other_words_is_close():
    samples = frame(
        sample("What is the capital of France?", "Paris"),
        sample("Which city is the capital of France?", "Paris."),
        sample("How do I bake bread?", "Knead flour and water, and bake it."),
    )
    vectors = embed_samples(samples, EmbedConfig())
    similar = vectors @ vectors.T
    assert similar[0, 1] > 0.9 > 0.5 > similar[0, 2]
