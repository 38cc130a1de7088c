"""Cluster complexity: more from clusters that are wide and far from others (Abbas et al. 2024, arXiv 2401.04578).

With k-means clusters of the embeddings, a cluster's complexity is d_intra * d_inter: the mean cosine distance of its
samples to their centre, and of the centre to its nearest other centres. Its share of the budget is the softmax of that
over a temperature; what a small cluster cannot give is shared among the others (the paper solves a quadratic program
for that; to share out in proportion is our choice). Within a cluster those farthest from the centre are taken.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from entp.pair.cluster import cluster
from entp.select.choices import ranked, unweighted

#: Section 3.2 of the paper.
TEMPERATURE = 0.1
NEAREST_CENTRES = 20
#: One cluster for so many samples, 2 at least (our choice; the paper has 500 clusters for millions).
CLUSTER_SIZE = 50
MAX_CLUSTERS = 500


def hardest_of_each_cluster(rows: pl.DataFrame, columns: Sequence[str], budget: int, seed: int) -> pl.DataFrame:
    """The hardest samples of each cluster of `embedding`, in numbers by the cluster's complexity."""
    del columns
    rows = rows.sort("id")
    vectors = np.stack(rows["embedding"].to_list()).astype(np.float32)
    count = min(MAX_CLUSTERS, max(2, len(vectors) // CLUSTER_SIZE), len(vectors))
    found = cluster(vectors, seed, count, count)
    distance = 1 - np.einsum("nd,nd->n", vectors, found.centres[found.labels])
    sizes = np.bincount(found.labels)
    intra = np.bincount(found.labels, weights=distance) / sizes
    seats = allocate(shares(intra * _between(found.centres)), sizes, min(budget, len(vectors)))
    placed = ranked(rows.with_columns(distance=distance, cluster=found.labels), ["distance"], seed)
    rank = pl.int_range(pl.len()).over("cluster")
    return unweighted(placed.filter(rank < pl.col("cluster").replace_strict(dict(enumerate(seats.tolist())))))


def shares(complexity: np.ndarray) -> np.ndarray:
    """Softmax of the complexities [k] over the temperature."""
    weights = np.exp((complexity - complexity.max()) / TEMPERATURE)
    return np.asarray(weights / weights.sum())


def allocate(share: np.ndarray, sizes: np.ndarray, budget: int) -> np.ndarray:
    """Whole numbers [k] that add up to `budget`, as near to the shares as the sizes allow (largest remainder)."""
    emptied = np.zeros(len(share), dtype=bool)
    while True:
        # Underflown shares are as good as equal ones, where nothing else is left.
        open_share = np.where(emptied, 0.0, share + np.finfo(float).tiny)
        exact = (budget - sizes[emptied].sum()) * open_share / max(open_share.sum(), np.finfo(float).tiny)
        too_much = exact > sizes
        if not too_much.any():
            break
        emptied |= too_much
    seats = np.where(emptied, sizes, np.floor(exact)).astype(np.int64)
    by_remainder = np.argsort(np.where(emptied, 0.0, np.floor(exact) - exact), kind="stable")
    seats[by_remainder[: budget - seats.sum()]] += 1
    return seats


def _between(centres: np.ndarray) -> np.ndarray:
    """Mean cosine distance [k] of each centre to its nearest others."""
    distances = 1 - centres @ centres.T
    np.fill_diagonal(distances, np.inf)
    nearest = np.sort(distances, axis=1)[:, : min(NEAREST_CENTRES, len(centres) - 1)]
    return np.asarray(nearest.mean(axis=1)) if nearest.size else np.zeros(len(centres))
