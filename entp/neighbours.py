"""Nearest neighbours by cosine, with ties settled by index so that every run finds the same ones.

Exact by default; from a size on, an inverted file index (faiss) looks only into the nearest cells of a rough partition.
Where faiss is built for GPUs and there is one, the search runs there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from entp.progress import Advance

#: Queries per search call: bounds memory, and lets a progress bar move.
QUERIES = 1024
#: Neighbours fetched beyond k, so that the sample itself can be left out and ties at the border be settled.
SPARE = 8
#: Distances are rounded before they are compared: the last bits depend on how the search was batched.
DECIMALS = 6
#: Cells of the approximate index per square root of the samples, and the share of them that a query looks into.
CELLS_PER_ROOT = 4
PROBED_SHARE = 1 / 32
#: Samples per cell that the partition is learnt from.
TRAINED_PER_CELL = 40


def nearest(
    vectors: np.ndarray, k: int, advance: Advance | None = None, approximate_from: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest other rows of each row, nearest first: indices [n, k] and cosine distances [n, k] (0..2).

    `vectors` are unit-length [n, d]. Where n is at most k, all n - 1 others are returned. Equal distances are
    ordered by index. `approximate_from` this many rows on, a few of the neighbours may be missed.
    """
    count = len(vectors)
    k = min(k, count - 1)
    if k < 1:
        return np.empty((count, 0), np.int64), np.empty((count, 0))
    points = np.ascontiguousarray(vectors, dtype=np.float32)
    approximate = approximate_from is not None and count >= approximate_from
    index = _inverted_file(points) if approximate else _flat(points)
    neighbours, distances = np.empty((count, k), np.int64), np.empty((count, k))
    for start in range(0, count, QUERIES):
        rows = np.arange(start, min(start + QUERIES, count))
        found, distance = _search(index, points[rows], k, rows)
        # cells that hold too few others: look everywhere
        if short := np.flatnonzero(np.isinf(distance).any(axis=1)).tolist():
            found[short], distance[short] = _search(_flat(points), points[rows[short]], k, rows[short])
        neighbours[rows], distances[rows] = found, distance
        if advance is not None:
            advance(len(rows))
    return neighbours, distances


def nearest_among(vectors: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k rows of unit-length `vectors` [n, d] nearest to each of `queries` [m, d]: indices and distances [m, k].

    Exact, and ordered like those of `nearest`. Where n is less than k, all n are returned.
    """
    count = len(queries)
    k = min(k, len(vectors))
    if k < 1:
        return np.empty((count, 0), np.int64), np.empty((count, 0))
    index = _flat(np.ascontiguousarray(vectors, dtype=np.float32))
    points = np.ascontiguousarray(queries, dtype=np.float32)
    neighbours, distances = np.empty((count, k), np.int64), np.empty((count, k))
    for start in range(0, count, QUERIES):
        part = slice(start, start + QUERIES)
        neighbours[part], distances[part] = _search(index, points[part], k)
    return neighbours, distances


def _search(index: Any, queries: np.ndarray, k: int, own: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Indices and distances [queries, k] of the nearest rows; infinite where the index found too few.

    `own` [queries] is the row that each query is itself, which is no neighbour of its own.
    """
    similarity, found = index.search(queries, min(k + SPARE, index.ntotal))
    distance = np.round(1.0 - similarity.astype(np.float64), DECIMALS).clip(0.0, 2.0)
    distance[found < 0] = np.inf
    if own is not None:
        distance[found == own[:, None]] = np.inf
    order = np.lexsort((found, distance), axis=1)[:, :k]
    return np.take_along_axis(found, order, axis=1), np.take_along_axis(distance, order, axis=1)


def _flat(points: np.ndarray) -> Any:
    import faiss

    index = _on_gpu(faiss.IndexFlatIP(points.shape[1]))
    index.add(points)
    return index


def _inverted_file(points: np.ndarray) -> Any:
    import faiss

    cells = min(CELLS_PER_ROOT * round(len(points) ** 0.5), len(points))
    width = points.shape[1]
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(width), width, cells, faiss.METRIC_INNER_PRODUCT)
    index.nprobe = max(1, round(cells * PROBED_SHARE))
    every = max(1, len(points) // (cells * TRAINED_PER_CELL))
    index.train(np.ascontiguousarray(points[::every]))
    index = _on_gpu(index)
    index.add(points)
    return index


def _on_gpu(index: Any) -> Any:
    import faiss

    return faiss.index_cpu_to_all_gpus(index) if faiss.get_num_gpus() else index
