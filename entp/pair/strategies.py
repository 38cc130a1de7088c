"""Who may be paired with whom: the strategies (`pair.strategy`), ours and the three it is compared with.

| strategy        | seeks partners among                  | maximises the summed   |
|-----------------|---------------------------------------|------------------------|
| `complementary` | nearest of its own cluster, in window | complementarity        |
| `nearest`       | nearest of its own cluster, in window | similarity             |
| `cross_cluster` | nearest of other clusters, in window  | complementarity        |
| `random`        | one drawn from the whole pool         | nothing                |

ENTP pairs inside a cluster, "one-hop"; all the rest is our choice. Two samples may be paired when one is among the k
nearest of the other and their similarity lies in a window: under it they share no domain and a fusion is a forced
marriage, above it they are near-duplicates and a fusion adds nothing.

    complementarity = 1/2 * how near the similarity is to the window's middle (1 there, 0 at its ends and outside)
                    + 1/2 * vocabulary novelty (share of the joint vocabulary that only one of the two has)

Each rival takes one thing away: `nearest` the complementarity, `cross_cluster` the domain, `random` all of it. No
strategy mixes languages: else the rivals would lose by pairs that no single language can hold. All pairs are disjoint,
and those of representatives come first, so that equal budgets are compared.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np

from entp.config import Config, PairConfig
from entp.neighbours import DECIMALS, nearest, nearest_among
from entp.pair.pool import Pool
from entp.records import digest_of

#: Cosine similarity of two rows, the smaller row first.
Similarities = Mapping[tuple[int, int], float]
#: Letters and digits of any script but Han; words under four characters are mostly function words.
WORD = re.compile(r"[^\W_\u4e00-\u9fff]{4,}")
HAN_RUN = re.compile(r"[\u4e00-\u9fff]{2,}")


@dataclass(frozen=True, order=True)
class Edge:
    """Two rows that may be paired (`first` < `second`), their cosine similarity, and their complementarity (0..1)."""

    first: int
    second: int
    similarity: float
    complementarity: float


@dataclass(frozen=True)
class Candidates:
    """`edges` between possible partners, and how many neighbours of each row [n] are possible partners, or why not.

    A neighbourhood is counted at both its ends.
    """

    edges: list[Edge]
    possible: np.ndarray
    too_different: np.ndarray
    too_similar: np.ndarray


def in_own_cluster(pool: Pool, clusters: np.ndarray, config: Config) -> Candidates:
    """Each sample's nearest of its own cluster and language, inside the similarity window."""
    candidates = _no_candidates(len(pool))
    for rows in _groups(zip(clusters.tolist(), pool.languages, strict=True)):
        found, distances = nearest(pool.vectors[rows], config.pair.neighbours)
        _keep_window(candidates, pool, _similarities(rows, rows[found], distances), config.pair)
    return candidates


def in_other_clusters(pool: Pool, clusters: np.ndarray, config: Config) -> Candidates:
    """Each sample's nearest of its language in all other clusters, inside the same window."""
    candidates = _no_candidates(len(pool))
    for rows in _groups(pool.languages):
        similarities: dict[tuple[int, int], float] = {}
        for cluster in np.unique(clusters[rows]):
            inside, outside = rows[clusters[rows] == cluster], rows[clusters[rows] != cluster]
            found, distances = nearest_among(pool.vectors[outside], pool.vectors[inside], config.pair.neighbours)
            similarities.update(_similarities(inside, outside[found], distances))
        _keep_window(candidates, pool, similarities, config.pair)
    return candidates


def by_chance(pool: Pool, _clusters: np.ndarray, config: Config) -> Candidates:
    """One partner for each sample, drawn by a seeded hash among all of its language: no cluster, no window."""
    candidates = _no_candidates(len(pool))
    for rows in _groups(pool.languages):
        candidates.possible[rows] = len(rows) - 1
        drawn = sorted(rows.tolist(), key=lambda row: digest_of([config.seed, pool.ids[row]]))
        for pair in zip(drawn[::2], drawn[1::2], strict=False):
            first, second = sorted(pair)
            similarity = round(float(pool.vectors[first] @ pool.vectors[second]), DECIMALS)
            words = vocabulary(pool.texts[first]), vocabulary(pool.texts[second])
            fit = complementarity(similarity, novelty(*words), _window(config.pair))
            candidates.edges.append(Edge(first, second, similarity, fit))
    return candidates


def complementarity(similarity: float, new_words: float, window: tuple[float, float]) -> float:
    """Mean of closeness to the window's middle and vocabulary novelty, both 0..1."""
    low, high = window
    closeness = max(0.0, 1.0 - abs(similarity - (low + high) / 2) / ((high - low) / 2))
    return round((closeness + new_words) / 2, DECIMALS)


def vocabulary(text: str) -> frozenset[str]:
    """Lower-case words of four letters or more; for Chinese, which writes no spaces, pairs of characters.

    >>> sorted(vocabulary("Prune the roses in March"))
    ['march', 'prune', 'roses']
    """
    words = set(WORD.findall(text.lower()))
    for run in HAN_RUN.findall(text):
        words.update(run[start : start + 2] for start in range(len(run) - 1))
    return frozenset(words)


def novelty(left: frozenset[str], right: frozenset[str]) -> float:
    """Share of the joint vocabulary that only one of the two has (Jaccard distance, 0..1)."""
    joint = len(left | right)
    return 1.0 - len(left & right) / joint if joint else 0.0


def left_over(candidates: Candidates, pairs: Iterable[Edge]) -> Mapping[int, str]:
    """Reason (one of LEFT_OVER_REASONS) of every row in no pair, by row number."""
    paired = {row for edge in pairs for row in (edge.first, edge.second)}
    counts = zip(
        candidates.possible.tolist(), candidates.too_different.tolist(), candidates.too_similar.tolist(), strict=True
    )
    return {row: why_left_over(*found) for row, found in enumerate(counts) if row not in paired}


def why_left_over(possible: int, too_different: int, too_similar: int) -> str:
    """Why a sample with so many neighbours of each kind was left over.

    >>> why_left_over(3, 0, 7), why_left_over(0, 6, 4), why_left_over(0, 0, 0)
    ('partner_taken', 'too_different', 'alone_in_group')
    """
    if possible:
        return "partner_taken"
    if not too_different + too_similar:
        return "alone_in_group"
    return "too_similar" if too_similar > too_different else "too_different"


def _keep_window(candidates: Candidates, pool: Pool, similarities: Similarities, config: PairConfig) -> None:
    """Add an edge for every neighbourhood inside the window, and count the others."""
    low, high = _window(config)
    words = {row: vocabulary(pool.texts[row]) for row in {row for pair in similarities for row in pair}}
    for pair, similarity in sorted(similarities.items()):
        if similarity < low:
            candidates.too_different[list(pair)] += 1
        elif similarity > high:
            candidates.too_similar[list(pair)] += 1
        else:
            candidates.possible[list(pair)] += 1
            fit = complementarity(similarity, novelty(*(words[row] for row in pair)), (low, high))
            candidates.edges.append(Edge(*pair, similarity, fit))


def _window(config: PairConfig) -> tuple[float, float]:
    return config.similarity_min, config.similarity_max


def _no_candidates(size: int) -> Candidates:
    return Candidates([], *(np.zeros(size, dtype=np.int64) for _ in range(3)))


def _groups(keys: Iterable[Any]) -> list[np.ndarray]:
    """Row numbers by equal key, in the order of the keys."""
    rows: dict[Any, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        rows[key].append(row)
    return [np.array(rows[key]) for key in sorted(rows)]


def _similarities(rows: np.ndarray, found: np.ndarray, distances: np.ndarray) -> dict[tuple[int, int], float]:
    """One entry for each pair of neighbours, whichever of the two found the other."""
    return {
        (min(row, other), max(row, other)): round(1.0 - distance, DECIMALS)
        for row, others, away in zip(rows.tolist(), found.tolist(), distances.tolist(), strict=True)
        for other, distance in zip(others, away, strict=True)
    }


@dataclass(frozen=True)
class Strategy:
    """`find` yields the candidates of a pool whose rows have these clusters; `weight` is what a pair is worth."""

    find: Callable[[Pool, np.ndarray, Config], Candidates]
    weight: Callable[[Edge], float]


STRATEGIES: Mapping[str, Strategy] = {
    "complementary": Strategy(in_own_cluster, attrgetter("complementarity")),
    "nearest": Strategy(in_own_cluster, attrgetter("similarity")),
    "cross_cluster": Strategy(in_other_clusters, attrgetter("complementarity")),
    "random": Strategy(by_chance, lambda _: 1.0),
}
