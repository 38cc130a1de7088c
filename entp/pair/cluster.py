"""Domains: k-means clusters, the samples that represent each, and where all samples lie on a map.

There are as many clusters as the average silhouette likes best (ENTP; details are our choice). Representatives are
chosen by maximal marginal relevance (MMR), near the centre and unlike each other: ENTP names MMR, the formula is
Carbonell and Goldstein's (1998), with the cluster's centre as the query.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Silhouettes cost the square of the sample count; this many estimate the average to about a hundredth.
SILHOUETTE_SAMPLES = 2000
#: Above this size k-means works on mini-batches.
FULL_KMEANS = 20_000
#: Cluster counts that are tried: dense where one more matters, sparse where it doesn't.
TRIED = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
#: Smallest average cluster worth having: fewer samples leave little to pair within it.
MIN_MEAN_SIZE = 10
#: Of what MMR compares, and of the map.
MMR_DECIMALS = 9
MAP_DECIMALS = 5


@dataclass(frozen=True)
class Clustering:
    """`labels` [n], 0 being the largest cluster; unit-length `centres` [k, d]; average `silhouette` (-1..1)."""

    labels: np.ndarray
    centres: np.ndarray
    silhouette: float


def cluster(vectors: np.ndarray, seed: int, clusters: int | None, max_clusters: int) -> Clustering:
    """Group unit-length `vectors` [n, d]; `clusters` of None chooses the count by silhouette on a subsample.

    A pool too small for two clusters of `MIN_MEAN_SIZE` is one cluster with silhouette 0.
    """
    sample = _subsample(len(vectors), seed)
    if clusters is None:
        clusters = _best_count(vectors[sample], seed, max_clusters)
    labels = _labels(vectors, min(clusters, len(vectors)), seed)
    labels = _by_size(labels)
    centres = np.stack([vectors[labels == label].mean(axis=0) for label in range(labels.max() + 1)])
    lengths = np.linalg.norm(centres, axis=1, keepdims=True)
    return Clustering(labels, centres / np.maximum(lengths, 1e-12), _silhouette(vectors[sample], labels[sample]))


def _best_count(vectors: np.ndarray, seed: int, max_clusters: int) -> int:
    """The count with the highest average silhouette; the smaller one where two are equal."""
    largest = min(max_clusters, len(vectors) // MIN_MEAN_SIZE)
    tried = [count for count in TRIED if count <= largest]
    if not tried:
        return 1
    quality = [round(_silhouette(vectors, _labels(vectors, count, seed)), 6) for count in tried]
    return tried[int(np.argmax(quality))]


def _labels(vectors: np.ndarray, clusters: int, seed: int) -> np.ndarray:
    if clusters == 1:
        return np.zeros(len(vectors), dtype=np.int64)
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from threadpoolctl import threadpool_limits

    if len(vectors) > FULL_KMEANS:
        model = MiniBatchKMeans(clusters, random_state=seed, n_init=3, batch_size=4096)
    else:
        model = KMeans(clusters, random_state=seed, n_init=4)
    # Threads would add up the centres in another order in each run.
    with threadpool_limits(limits=1):
        return np.asarray(model.fit_predict(vectors), dtype=np.int64)


def _silhouette(vectors: np.ndarray, labels: np.ndarray) -> float:
    """Average silhouette by cosine distance; 0 where there is only one cluster, or every sample is its own."""
    if not 1 < len(np.unique(labels)) < len(labels):
        return 0.0
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(vectors, labels, metric="cosine"))


def _by_size(labels: np.ndarray) -> np.ndarray:
    """Renumber: the largest cluster is 0, equal ones by their first member. Empty clusters vanish."""
    found, first, sizes = np.unique(labels, return_index=True, return_counts=True)
    renumbered = np.empty(found.max() + 1, dtype=np.int64)
    renumbered[found[np.lexsort((first, -sizes))]] = np.arange(len(found))
    return renumbered[labels]


def _subsample(count: int, seed: int) -> np.ndarray:
    if count <= SILHOUETTE_SAMPLES:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, SILHOUETTE_SAMPLES, replace=False))


def representatives(vectors: np.ndarray, clustering: Clustering, count: int, balance: float) -> np.ndarray:
    """Row numbers of up to `count` representatives of every cluster, cluster by cluster in the order chosen."""
    chosen = []
    for label, centre in enumerate(clustering.centres):
        members = np.flatnonzero(clustering.labels == label)
        chosen.append(members[choose_mmr(vectors[members], centre, count, balance)])
    return np.concatenate(chosen)


def choose_mmr(vectors: np.ndarray, centre: np.ndarray, count: int, balance: float) -> np.ndarray:
    """Rows chosen one by one: argmax of balance * cos(x, centre) - (1 - balance) * max cos(x, chosen so far).

    `vectors` and `centre` are unit-length; equal values are settled by row number.
    """
    relevance = vectors @ centre
    redundancy = np.full(len(vectors), -np.inf)
    chosen: list[int] = []
    for _ in range(min(count, len(vectors))):
        # The first choice has nothing to differ from.
        penalty = redundancy if chosen else np.zeros(len(vectors))
        value = np.round(balance * relevance - (1 - balance) * penalty, MMR_DECIMALS)
        value[chosen] = -np.inf
        best = int(np.argmax(value))
        chosen.append(best)
        redundancy = np.maximum(redundancy, vectors @ vectors[best])
    return np.array(chosen, dtype=np.int64)


def map_coordinates(vectors: np.ndarray) -> np.ndarray:
    """First two principal components [n, 2]; each axis points so that its largest loading is positive."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)
    first_two = axes[:, ::-1][:, :2]
    largest = np.abs(first_two).argmax(axis=0)
    first_two = first_two * np.sign(first_two[largest, [0, 1]])
    # Adding zero turns -0.0 into 0.0.
    return np.round(centred @ first_two, MAP_DECIMALS) + 0.0
