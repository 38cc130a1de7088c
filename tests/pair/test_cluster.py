from __future__ import annotations

import numpy as np

from entp.pair.cluster import Clustering, choose_mmr, cluster, map_coordinates, representatives


def blobs(sizes: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Unit vectors in tight groups around orthogonal directions."""
    random = np.random.default_rng(seed)
    rows = [np.eye(8)[group] + random.normal(0, 0.05, 8) for group, size in enumerate(sizes) for _ in range(size)]
    vectors = np.array(rows, dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_silhouette_finds_the_number_of_domains():
    clustering = cluster(blobs((40, 30, 20)), seed=1, clusters=None, max_clusters=12)
    assert np.bincount(clustering.labels).tolist() == [40, 30, 20]
    assert clustering.silhouette > 0.8


def test_the_largest_cluster_is_number_zero_and_members_share_their_number():
    clustering = cluster(blobs((10, 40)), seed=1, clusters=2, max_clusters=12)
    assert clustering.labels.tolist() == [1] * 10 + [0] * 40


def test_a_pool_too_small_to_split_is_one_cluster():
    clustering = cluster(blobs((4, 4)), seed=1, clusters=None, max_clusters=12)
    assert set(clustering.labels.tolist()) == {0}
    assert clustering.silhouette == 0.0


def test_the_number_of_clusters_can_be_given():
    assert len(cluster(blobs((8, 8)), seed=1, clusters=4, max_clusters=2).centres) == 4


def test_the_same_seed_gives_the_same_clusters():
    vectors = np.random.default_rng(3).normal(size=(200, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    first, second = (cluster(vectors, seed=5, clusters=None, max_clusters=16) for _ in range(2))
    assert (first.labels == second.labels).all()
    assert (first.centres == second.centres).all()


def test_the_first_representative_is_nearest_to_the_centre_and_the_next_differs_from_it():
    angles = np.radians([0, 1, 40, -50])
    vectors = np.column_stack([np.cos(angles), np.sin(angles)])
    centre = np.array([1.0, 0.0])
    assert choose_mmr(vectors, centre, 2, balance=1.0).tolist() == [0, 1]
    assert choose_mmr(vectors, centre, 2, balance=0.3).tolist() == [0, 3]


def test_a_cluster_smaller_than_asked_is_all_representatives():
    vectors = blobs((3, 1))
    clustering = Clustering(np.array([0, 0, 0, 1]), np.eye(8, dtype=np.float32)[:2], 0.0)
    chosen = representatives(vectors, clustering, count=2, balance=0.7)
    assert len(chosen) == 3
    assert chosen[-1] == 3


def test_the_map_does_not_depend_on_the_sign_that_the_solver_chose():
    vectors = blobs((6, 5, 4))
    order = np.random.default_rng(0).permutation(len(vectors))
    assert np.allclose(map_coordinates(vectors)[order], map_coordinates(vectors[order]), atol=1e-4)
