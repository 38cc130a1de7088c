"""The pair stage: domains, representatives and disjoint pairs of the low-quality samples, and who was left over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from entp import store
from entp.config import Config, PairConfig
from entp.errors import DataError
from entp.pair.cluster import Clustering, cluster, map_coordinates, representatives
from entp.pair.domains import domains_table
from entp.pair.match import Weight, match
from entp.pair.pool import Pool, read_pool
from entp.pair.strategies import STRATEGIES, Candidates, Edge, left_over
from entp.pair.task_types import task_type
from entp.progress import progress
from entp.records import CLUSTERS, DOMAINS, LEFT_OVER, LEFT_OVER_REASONS, PAIRS, TASK_TYPES, digest_of
from entp.stages import Inputs, identity
from entp.store import Summary

DECIMALS = 6


def run(config: Config, inputs: Inputs, output: Path) -> Summary:
    """Cluster the low-quality samples, describe their domains, match pairs, and account for those without one."""
    with store.publish(output, identity("pair", config, inputs)) as dataset:
        pool = read_pool(inputs)
        with progress("pair: cluster", 1) as advance:
            clustering = cluster(pool.vectors, config.seed, config.pair.clusters, config.pair.max_clusters)
            advance(1)
        chosen = representatives(pool.vectors, clustering, config.pair.representatives, config.pair.mmr_lambda)
        strategy = STRATEGIES[config.pair.strategy]
        with progress("pair: match", 2) as advance:
            candidates = strategy.find(pool, clustering.labels, config)
            advance(1)
            edges = match(_between_writable(candidates.edges, pool), strategy.weight, pool.vectors)
            advance(1)
        _require_pairs(edges, candidates, config.pair, len(pool))
        callers = np.flatnonzero(pool.calls_tools).tolist()
        unpaired = {**left_over(candidates, edges), **dict.fromkeys(callers, "calls_tools")}
        assert 2 * len(edges) + len(unpaired) == len(pool), "a low-quality sample is in two pairs"

        tasks = [task_type(said, turns) for said, turns in zip(pool.instructions, pool.turns, strict=True)]
        pairs = pairs_table(edges, strategy.weight, pool, clustering, chosen)
        domains = domains_table(pool, clustering, tasks, chosen, unpaired)
        dataset.write("pairs", pairs, PAIRS)
        dataset.write("clusters", clusters_table(pool, clustering, tasks, chosen), CLUSTERS)
        dataset.write("domains", domains, DOMAINS)
        dataset.write("left_over", left_over_table(unpaired, pool, clustering), LEFT_OVER)
        metrics = {
            "low_quality": float(len(pool)),
            "pairs": float(pairs.height),
            "paired_ratio": 2 * pairs.height / len(pool),
            **_left_over_metrics(unpaired),
            "clusters": float(domains.height),
            "silhouette": clustering.silhouette,
            "mean_cohesion": _mean(domains["cohesion"]),
            "mean_similarity": _mean(pairs["similarity"]),
            "mean_complementarity": _mean(pairs["complementarity"]),
            **{f"task_type/{name}": tasks.count(name) / len(tasks) for name in TASK_TYPES},
        }
        return dataset.summarise({name: round(value, DECIMALS) for name, value in metrics.items()})


def _between_writable(edges: Sequence[Edge], pool: Pool) -> list[Edge]:
    """Without the edges of samples that call tools."""
    return [edge for edge in edges if not (pool.calls_tools[edge.first] or pool.calls_tools[edge.second])]


def pairs_table(
    edges: Sequence[Edge], weight: Weight, pool: Pool, clustering: Clustering, chosen: np.ndarray
) -> pl.DataFrame:
    """The pairs, best first: those with a cluster's representative, then by what the strategy weighs, then by id.

    A budget that stops early has then covered every domain, with its most promising pairs.
    """
    seeds = set(chosen.tolist())
    rows = []
    for edge in edges:
        parents = sorted((pool.ids[edge.first], pool.ids[edge.second]))
        clusters = {int(clustering.labels[row]) for row in (edge.first, edge.second)}
        common = clusters.pop() if len(clusters) == 1 else None
        seeded = edge.first in seeds or edge.second in seeds
        pair = (digest_of(parents), *parents, edge.similarity, edge.complementarity, common)
        rows.append((*pair, seeded, weight(edge)))
    columns = pl.Schema([*PAIRS.items(), ("seeded", pl.Boolean()), ("weight", pl.Float64())])
    table = pl.DataFrame(rows, schema=columns, orient="row")
    return table.sort(["seeded", "weight", "pair_id"], descending=[True, True, False]).select(list(PAIRS))


def clusters_table(pool: Pool, clustering: Clustering, tasks: Sequence[str], chosen: np.ndarray) -> pl.DataFrame:
    """Domain, task type and map position of every low-quality sample."""
    position = map_coordinates(pool.vectors)
    return pl.DataFrame(
        {
            "id": pool.ids,
            "cluster": clustering.labels,
            "task_type": tasks,
            "representative": np.isin(np.arange(len(pool)), chosen),
            "x": position[:, 0],
            "y": position[:, 1],
        }
    )


def left_over_table(unpaired: Mapping[int, str], pool: Pool, clustering: Clustering) -> pl.DataFrame:
    """Every low-quality sample in no pair, and why."""
    rows = [(pool.ids[row], int(clustering.labels[row]), reason) for row, reason in sorted(unpaired.items())]
    return pl.DataFrame(rows, schema=LEFT_OVER, orient="row")


def _left_over_metrics(unpaired: Mapping[int, str]) -> dict[str, float]:
    counts = Counter(unpaired.values())
    return {
        "left_over": float(len(unpaired)),
        **{f"left_over/{reason}": float(counts[reason]) for reason in LEFT_OVER_REASONS},
    }


def _mean(column: pl.Series) -> float:
    return float(column.to_numpy().mean())


def _require_pairs(edges: Sequence[Edge], candidates: Candidates, config: PairConfig, size: int) -> None:
    if edges:
        return
    less, more = candidates.too_different.sum() // 2, candidates.too_similar.sum() // 2
    raise DataError(
        f"pair: none of {size} low-quality samples found a partner of its language by pair.strategy={config.strategy} "
        f"with a similarity from pair.similarity_min={config.similarity_min} to "
        f"pair.similarity_max={config.similarity_max} (neighbours less similar: {less}; more similar: {more}); widen "
        "the window, lower pair.max_clusters, or give more data"
    )
