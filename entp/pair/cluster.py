"""k-means domains, with as many clusters as the average silhouette likes best (ENTP; details are our choice)."""

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
