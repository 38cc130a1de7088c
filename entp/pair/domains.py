"""Domain analysis: what each cluster of low-quality samples is about, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import polars as pl

from entp.pair.cluster import Clustering
from entp.pair.keywords import keywords
from entp.pair.pool import Pool
from entp.records import DOMAINS

DECIMALS = 6


def domains_table(
    pool: Pool, clustering: Clustering, task_types: Sequence[str], chosen: np.ndarray, left_over: Collection[int]
) -> pl.DataFrame:
    """One row per cluster, the largest first. `chosen` are the rows of representatives, `left_over` those unpaired."""
    words = keywords(pool.prompts, pool.languages, clustering.labels.tolist())
    rows = []
    for cluster, centre in enumerate(clustering.centres):
        members = np.flatnonzero(clustering.labels == cluster).tolist()
        unpaired = sum(member in left_over for member in members)
        rows.append(
            {
                "cluster": cluster,
                "size": len(members),
                "share": round(len(members) / len(pool), DECIMALS),
                "cohesion": round(float((pool.vectors[members] @ centre).mean()), DECIMALS),
                "keywords": words[cluster],
                "task_types": shares([task_types[member] for member in members]),
                "representatives": [pool.ids[row] for row in chosen.tolist() if clustering.labels[row] == cluster],
                "paired": len(members) - unpaired,
                "left_over": unpaired,
            }
        )
    return pl.DataFrame(rows, schema=DOMAINS)


def shares(task_types: Sequence[str]) -> list[dict[str, Any]]:
    """Task types with their shares, the commonest first.

    >>> shares(["coding", "coding", "generation"])[0]
    {'task_type': 'coding', 'share': 0.666667}
    """
    counted = sorted(Counter(task_types).items(), key=lambda item: (-item[1], item[0]))
    return [{"task_type": name, "share": round(count / len(task_types), DECIMALS)} for name, count in counted]
