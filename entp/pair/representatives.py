"""Representatives of a cluster by maximal marginal relevance (MMR): near the centre, and unlike each other.

Source: ENTP names MMR; the formula is Carbonell and Goldstein's (1998), with the cluster's centre as the query.
"""

from __future__ import annotations

import numpy as np

from entp.pair.cluster import Clustering

DECIMALS = 9


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
        value = np.round(balance * relevance - (1 - balance) * penalty, DECIMALS)
        value[chosen] = -np.inf
        best = int(np.argmax(value))
        chosen.append(best)
        redundancy = np.maximum(redundancy, vectors @ vectors[best])
    return np.array(chosen, dtype=np.int64)
