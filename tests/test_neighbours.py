from __future__ import annotations

import numpy as np
import pytest

from entp import neighbours as module
from entp.neighbours import nearest, nearest_among


def unit(*rows: tuple[float, float]) -> np.ndarray:
    vectors = np.array(rows, dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_nearest_others_come_first_and_never_the_sample_itself():
    found, distances = nearest(unit((1, 0), (1, 0.1), (0, 1)), 2)
    assert found.tolist() == [[1, 2], [0, 2], [1, 0]]
    assert np.allclose(distances[0], [1 - 1 / np.sqrt(1.01), 1.0], atol=1e-5)


def test_equal_distances_are_ordered_by_index():
    found, distances = nearest(unit(*[(1, 0)] * 6), 3)
    assert found[0].tolist() == [1, 2, 3]
    assert found[4].tolist() == [0, 1, 2]
    assert (distances == 0).all()


def test_a_small_pool_gives_as_many_neighbours_as_there_are():
    assert nearest(unit((1, 0), (0, 1), (1, 1)), 10)[0].shape == (3, 2)
    assert nearest(unit((1, 0)), 10)[0].shape == (1, 0)


def test_searching_in_batches_finds_what_one_search_finds(monkeypatch):
    random = np.random.default_rng(0)
    vectors = unit(*random.normal(size=(50, 2)).tolist())
    whole = nearest(vectors, 5)
    monkeypatch.setattr(module, "QUERIES", 7)
    batched = nearest(vectors, 5)
    assert (whole[0] == batched[0]).all()
    assert (whole[1] == batched[1]).all()


def test_the_search_is_exact():
    vectors = np.random.default_rng(1).normal(size=(200, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -2)
    assert (nearest(vectors, 4)[0] == np.argsort(-similarity, axis=1)[:, :4]).all()


def test_an_approximate_search_finds_nearly_all_neighbours():
    random = np.random.default_rng(2)
    vectors = (random.normal(size=(40, 24))[random.integers(0, 40, 6_000)] + random.normal(0, 0.6, (6_000, 24))).astype(
        np.float32
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    exact, far = nearest(vectors, 10)
    found, distances = nearest(vectors, 10, approximate_from=6_000)
    hits = (found[:, :, None] == exact[:, None, :]).any(axis=2)
    assert 0.8 < hits.mean() < 1
    assert (found != np.arange(6_000)[:, None]).all()
    assert (distances >= far).all()


def test_an_approximate_search_of_a_tiny_pool_still_finds_everyone():
    vectors = np.random.default_rng(3).normal(size=(30, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found, distances = nearest(vectors, 12, approximate_from=1)
    assert np.isfinite(distances).all()
    assert all(len(set(row)) == 12 for row in found.tolist())


def test_among_other_vectors_the_nearest_come_first_and_equal_ones_by_index(monkeypatch):
    monkeypatch.setattr(module, "QUERIES", 2)
    among, queries = unit((0, 1), (1, 0.1), (1, 0), (1, 0)), unit((1, 0), (0, 1), (-1, 0))
    found, distances = nearest_among(among, queries, 3)
    assert found.tolist() == [[2, 3, 1], [0, 1, 2], [0, 1, 2]]
    assert distances[0].tolist() == [0, 0, pytest.approx(1 - 1 / np.sqrt(1.01), abs=1e-5)]
    assert nearest_among(among, queries, 9)[0].shape == (3, 4)
    assert nearest_among(among[:0], queries, 3)[0].shape == (3, 0)
