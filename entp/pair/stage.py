"""The pair stage: domains, representatives and disjoint complementary pairs of the low-quality samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from entp import store
from entp.config import Config, PairConfig
from entp.errors import DataError
from entp.pair.cluster import Clustering, cluster
from entp.pair.layout import map_coordinates
from entp.pair.match import Candidates, Edge, find_candidates, match
from entp.pair.representatives import representatives
from entp.pair.vocabulary import vocabulary
from entp.progress import progress
from entp.records import CLUSTERS, PAIRS, digest_of, with_text
from entp.stages import Inputs, identity
from entp.store import Summary


@dataclass(frozen=True)
class Matching:
    """Chosen edges by cluster (row numbers of the whole pool), and what was considered."""

    edges: list[tuple[int, Edge]]
    considered: Candidates


def run(config: Config, inputs: Inputs, output: Path) -> Summary:
    """Cluster the low-quality samples, choose representatives, match pairs, and publish them best first."""
    with store.publish(output, identity("pair", config, inputs)) as dataset:
        pool = low_quality(inputs)
        vectors = pool["vector"].list.to_array(pool["vector"][0].len()).to_numpy()
        with progress("pair: cluster", 1) as advance:
            clustering = cluster(vectors, config.seed, config.pair.clusters, config.pair.max_clusters)
            advance(1)
        chosen = representatives(vectors, clustering, config.pair.representatives, config.pair.mmr_lambda)
        matching = match_pool(pool, vectors, clustering, config.pair)
        _require_pairs(matching, config.pair, pool.height)

        pairs = pairs_table(matching, pool["id"], set(chosen.tolist()))
        dataset.write("pairs", pairs, PAIRS)
        dataset.write("clusters", clusters_table(pool["id"], vectors, clustering, chosen), CLUSTERS)
        return dataset.summarise(
            {
                "low_quality": float(pool.height),
                "pairs": float(pairs.height),
                "paired_ratio": round(2 * pairs.height / pool.height, 6),
                "left_over": float(pool.height - 2 * pairs.height),
                "clusters": float(len(clustering.centres)),
                "silhouette": round(clustering.silhouette, 6),
                "mean_similarity": round(float(pairs["similarity"].to_numpy().mean()), 6),
            }
        )


def low_quality(inputs: Inputs) -> pl.DataFrame:
    """`id`, `language`, `text` and `vector` of the LQ samples, sorted by id. Raises DataError for fewer than two."""
    scores = store.read(inputs["curate"], "scores")
    tier = scores.filter(tier="LQ").select("id").sort("id")
    if tier.height < 2:
        raise DataError(
            f"pair: {tier.height} of {scores.height} samples are low quality, two make a pair; give more data, raise "
            "curate.low_quality_to or lower curate.min_confidence"
        )
    samples = with_text(store.read(inputs["purge"], "samples")).select(
        "id", "language", pl.concat_str("prompt", "response", separator="\n").alias("text")
    )
    embeddings = store.read(inputs["curate"], "embeddings")
    return tier.join(samples, on="id", maintain_order="left").join(embeddings, on="id", maintain_order="left")


def match_pool(pool: pl.DataFrame, vectors: np.ndarray, clustering: Clustering, config: PairConfig) -> Matching:
    """Match every group of one cluster and one language on its own."""
    window = (config.similarity_min, config.similarity_max)
    groups = (
        pool.select("language", cluster=pl.Series(clustering.labels))
        .with_row_index("row")
        .group_by("cluster", "language")
        .agg("row")
        .sort("cluster", "language")
    )
    matching = Matching([], Candidates())
    with progress("pair: match", groups.height) as advance:
        for label, _, members in groups.iter_rows():
            rows = np.array(members)
            words = [vocabulary(text) for text in pool["text"].gather(rows)]
            candidates = find_candidates(vectors[rows], words, config.neighbours, window)
            for edge in match(candidates.edges, len(rows)):
                first, second = int(rows[edge.first]), int(rows[edge.second])
                matching.edges.append((label, Edge(first, second, edge.similarity, edge.weight)))
            matching.considered.edges.extend(candidates.edges)
            matching.considered.too_different += candidates.too_different
            matching.considered.too_similar += candidates.too_similar
            advance(1)
    return matching


def pairs_table(matching: Matching, ids: pl.Series, seeds: set[int]) -> pl.DataFrame:
    """The pairs, best first: those with a cluster's representative, then by complementarity, then by id.

    A budget that stops early has then covered every domain, with its most promising pairs.
    """
    rows = []
    for label, edge in matching.edges:
        parents = sorted((ids[edge.first], ids[edge.second]))
        seeded = edge.first in seeds or edge.second in seeds
        rows.append((digest_of(parents), *parents, edge.similarity, label, seeded, edge.weight))
    columns = pl.Schema([*PAIRS.items(), ("seeded", pl.Boolean()), ("weight", pl.Float64())])
    table = pl.DataFrame(rows, schema=columns, orient="row")
    return table.sort(["seeded", "weight", "pair_id"], descending=[True, True, False]).select(list(PAIRS))


def clusters_table(ids: pl.Series, vectors: np.ndarray, clustering: Clustering, chosen: np.ndarray) -> pl.DataFrame:
    """Domain and map position of every low-quality sample."""
    position = map_coordinates(vectors)
    return pl.DataFrame(
        {
            "id": ids,
            "cluster": clustering.labels,
            "representative": np.isin(np.arange(len(ids)), chosen),
            "x": position[:, 0],
            "y": position[:, 1],
        }
    )


def _require_pairs(matching: Matching, config: PairConfig, size: int) -> None:
    if matching.edges:
        return
    considered = matching.considered
    raise DataError(
        f"pair: none of {size} low-quality samples found a partner of its cluster and language with a similarity from "
        f"pair.similarity_min={config.similarity_min} to pair.similarity_max={config.similarity_max} (neighbours less "
        f"similar: {considered.too_different}; more similar: {considered.too_similar}); widen the window, lower "
        "pair.max_clusters, or give more data"
    )
