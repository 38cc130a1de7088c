"""Disjoint pairs of the largest summed weight: no sample is used twice (maximum-weight matching, Edmonds' blossoms)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from entp.pair.cluster import map_coordinates
from entp.pair.strategies import Edge

#: Matching costs nearly the cube of the group: 46 s here, over nine minutes at twice the size. Larger groups are
#: matched in parts, which reaches 96 to 98 % of the best sum on real prompts, and pairs 98 to 99 % of the samples.
EXACT_GROUP = 16_000
#: Weights become integers, so that sums compare exactly.
SCALE = 1_000_000

Weight = Callable[[Edge], float]


def match(edges: Sequence[Edge], weight: Weight, vectors: np.ndarray) -> list[Edge]:
    """Disjoint edges of the largest summed weight, sorted; `vectors` [n, d] are those of the rows that edges join."""
    return sorted(edge for group in _groups(edges) for edge in _match_group(group, weight, vectors))


def match_exactly(edges: Sequence[Edge], weight: Weight) -> list[Edge]:
    """The best matching there is; which one, where several are, depends on the order of the rows alone."""
    import rustworkx

    rows = _rows(edges)
    node = {row: number for number, row in enumerate(rows)}
    graph = rustworkx.PyGraph()
    graph.add_nodes_from(rows)
    graph.add_edges_from([(node[e.first], node[e.second], round(weight(e) * SCALE)) for e in sorted(edges)])
    chosen = {(rows[min(pair)], rows[max(pair)]) for pair in rustworkx.max_weight_matching(graph, weight_fn=int)}
    return [edge for edge in edges if (edge.first, edge.second) in chosen]


def _match_group(edges: Sequence[Edge], weight: Weight, vectors: np.ndarray) -> list[Edge]:
    """Exactly, or, in a large group, exactly within each part and then among those the parts left over."""
    parts = _parts(np.array(_rows(edges)), vectors)
    part_of = {row: number for number, part in enumerate(parts) for row in part.tolist()}
    inside: list[list[Edge]] = [[] for _ in parts]
    for edge in edges:
        if part_of[edge.first] == part_of[edge.second]:
            inside[part_of[edge.first]].append(edge)
    chosen = [edge for part in inside for edge in match_exactly(part, weight)]
    taken = set(_rows(chosen))
    between = [edge for edge in edges if edge.first not in taken and edge.second not in taken]
    return chosen + match_exactly(between, weight)


def _parts(rows: np.ndarray, vectors: np.ndarray) -> list[np.ndarray]:
    """The rows, halved across the direction in which they spread most until no part is above EXACT_GROUP."""
    if len(rows) <= EXACT_GROUP:
        return [rows]
    order = np.argsort(map_coordinates(vectors[rows])[:, 0], kind="stable")
    halves = np.array_split(order, 2)
    return [part for half in halves for part in _parts(rows[half], vectors)]


def _groups(edges: Sequence[Edge]) -> list[list[Edge]]:
    """The edges by connected component: what happens in one is nothing to the others."""
    import rustworkx

    graph = rustworkx.PyGraph()
    graph.extend_from_edge_list([(edge.first, edge.second) for edge in edges])
    component = {row: number for number, rows in enumerate(rustworkx.connected_components(graph)) for row in rows}
    found: dict[int, list[Edge]] = defaultdict(list)
    for edge in sorted(edges):
        found[component[edge.first]].append(edge)
    return list(found.values())


def _rows(edges: Sequence[Edge]) -> list[int]:
    return sorted({row for edge in edges for row in (edge.first, edge.second)})
