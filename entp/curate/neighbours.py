"""Exact nearest neighbours by cosine, with ties settled by index so that every run finds the same ones."""

from __future__ import annotations

import numpy as np

from entp.progress import Advance

#: Queries per search call: bounds memory, and lets a progress bar move.
QUERIES = 1024
#: Neighbours fetched beyond k, so that the sample itself can be left out and ties at the border be settled.
SPARE = 8
#: Distances are rounded before they are compared: the last bits depend on how the search was batched.
DECIMALS = 6


def nearest(vectors: np.ndarray, k: int, advance: Advance | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest other rows of each row, nearest first: indices [n, k] and cosine distances [n, k] (0..2).

    `vectors` are unit-length [n, d]. Where n is at most k, all n - 1 others are returned. Equal distances are
    ordered by index.
    """
    import faiss

    count = len(vectors)
    k = min(k, count - 1)
    if k < 1:
        return np.empty((count, 0), np.int64), np.empty((count, 0))
    points = np.ascontiguousarray(vectors, dtype=np.float32)
    index = faiss.IndexFlatIP(points.shape[1])
    index.add(points)
    fetched = min(k + SPARE, count)
    neighbours = np.empty((count, k), np.int64)
    distances = np.empty((count, k))
    for start in range(0, count, QUERIES):
        queries = np.arange(start, min(start + QUERIES, count))
        similarity, found = index.search(points[queries], fetched)
        distance = np.round(1.0 - similarity.astype(np.float64), DECIMALS).clip(0.0, 2.0)
        distance[found == queries[:, None]] = np.inf
        order = np.lexsort((found, distance), axis=1)[:, :k]
        neighbours[queries] = np.take_along_axis(found, order, axis=1)
        distances[queries] = np.take_along_axis(distance, order, axis=1)
        if advance is not None:
            advance(len(queries))
    return neighbours, distances
