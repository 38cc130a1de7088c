"""DEITA: complex and good, and unlike what is chosen already (Liu et al. 2023, arXiv 2312.15685, algorithm 1).

Samples come in the order of s = complexity * quality. One is taken where its cosine distance to the nearest chosen one
exceeds a threshold.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from entp.select.choices import ranked, unweighted

#: Cosine distance to the nearest chosen sample (the paper's tau: a similarity of at most 0.9).
THRESHOLD = 0.1


def unlike_the_chosen(rows: pl.DataFrame, columns: Sequence[str], budget: int, seed: int) -> pl.DataFrame:
    """Greedy by `complexity` * `quality`, without samples whose `embedding` resembles a chosen one's."""
    del columns
    rows = ranked(rows.with_columns(evol=pl.col("complexity") * pl.col("quality")), ["evol"], seed)
    vectors = np.stack(rows["embedding"].to_list()).astype(np.float32)
    taken = np.empty((min(budget, len(vectors)), vectors.shape[1]), np.float32)
    chosen: list[int] = []
    for place, vector in enumerate(vectors):
        if len(chosen) == budget:
            break
        if (taken[: len(chosen)] @ vector).max(initial=-1.0) < 1 - THRESHOLD:
            taken[len(chosen)] = vector
            chosen.append(place)
    return unweighted(rows[chosen])
