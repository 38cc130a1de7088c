"""One-hop disjoint pairs: each sample with a direct neighbour that complements it, none used twice.

ENTP pairs inside a cluster, "one-hop"; all the rest is our choice. Two samples may be paired when one is among the k
nearest neighbours of the other inside the same cluster and language, and their similarity lies in a window: under it
they share no domain and a fusion is a forced marriage, above it they are near-duplicates and a fusion adds nothing.

    complementarity = 1/2 * how near the similarity is to the window's middle (1 there, 0 at its ends)
                    + 1/2 * vocabulary novelty (share of the joint vocabulary that only one of the two has)

The pairs of a cluster maximise the summed complementarity over disjoint pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from entp.curate.neighbours import nearest
from entp.pair.vocabulary import novelty

#: Exact matching costs about the cube of the group's size: seconds here. Larger groups are matched greedily, which
#: reaches at least half of the best sum, and 91 to 94 % of it on real pools.
EXACT_GROUP = 400
#: Weights become integers for the exact matching, so that sums compare exactly.
SCALE = 1_000_000


@dataclass(frozen=True, order=True)
class Edge:
    """Two rows that may be paired (`first` < `second`), their cosine similarity, and their complementarity (0..1)."""

    first: int
    second: int
    similarity: float
    weight: float


@dataclass
class Candidates:
    """Edges inside the window, and how many neighbours fell outside it."""

    edges: list[Edge] = field(default_factory=list)
    too_different: int = 0
    too_similar: int = 0


def find_candidates(
    vectors: np.ndarray,
    vocabularies: Sequence[frozenset[str]],
    neighbours: int,
    window: tuple[float, float],
) -> Candidates:
    """Edges between direct neighbours of one group (same cluster and language), sorted by row numbers.

    `window` holds the lowest and highest similarity allowed.
    """
    low, high = window
    found, distances = nearest(vectors, neighbours)
    candidates = Candidates()
    seen: dict[tuple[int, int], float] = {}
    for row in range(len(vectors)):
        for other, distance in zip(found[row].tolist(), distances[row].tolist(), strict=True):
            seen[min(row, other), max(row, other)] = round(1.0 - distance, 6)
    for (first, second), similarity in sorted(seen.items()):
        if similarity < low:
            candidates.too_different += 1
        elif similarity > high:
            candidates.too_similar += 1
        else:
            weight = complementarity(similarity, novelty(vocabularies[first], vocabularies[second]), window)
            candidates.edges.append(Edge(first, second, similarity, weight))
    return candidates


def complementarity(similarity: float, new_words: float, window: tuple[float, float]) -> float:
    """Mean of closeness to the window's middle and vocabulary novelty, both 0..1."""
    low, high = window
    half = (high - low) / 2
    closeness = 1.0 - abs(similarity - (low + high) / 2) / half if half else 1.0
    return round((closeness + new_words) / 2, 6)


def match(edges: Sequence[Edge], size: int) -> list[Edge]:
    """Disjoint edges with the largest summed weight among `size` samples; greedy above `EXACT_GROUP`."""
    if size > EXACT_GROUP:
        return match_greedily(edges)
    import networkx

    graph = networkx.Graph()
    graph.add_weighted_edges_from((edge.first, edge.second, round(edge.weight * SCALE)) for edge in edges)
    chosen = {(min(pair), max(pair)) for pair in networkx.max_weight_matching(graph)}
    return [edge for edge in edges if (edge.first, edge.second) in chosen]


def match_greedily(edges: Sequence[Edge]) -> list[Edge]:
    """Take the heaviest edge whose two ends are free, again and again; equal weights by row numbers."""
    taken: set[int] = set()
    chosen = []
    for edge in sorted(edges, key=lambda edge: (-edge.weight, edge.first, edge.second)):
        if edge.first not in taken and edge.second not in taken:
            taken.update((edge.first, edge.second))
            chosen.append(edge)
    return sorted(chosen)
