"""What the run knows of every sample already: ratings, curated scores, tiers, embeddings."""

from __future__ import annotations

import numpy as np
import polars as pl

from entp.neighbours import nearest
from entp.select.signals.pool import Computed, Pool


def compute(pool: Pool) -> Computed:
    """`rating` (the rater's score), `score_curated`, `tier`, `embedding`, `neighbour_distance`.

    The last is the mean cosine distance to the `curate.neighbours` nearest samples.
    """
    _, distances = nearest(
        pool.vectors, pool.config.curate.neighbours, approximate_from=pool.config.curate.approximate_from
    )
    return Computed(
        pool.scores.select("id", pl.col("score_raw").alias("rating"), "score_curated", "tier").with_columns(
            embedding=pl.Series(pool.vectors.astype(np.float32)).cast(pl.List(pl.Float32)),
            neighbour_distance=pl.Series(distances.mean(axis=1), dtype=pl.Float64),
        )
    )
