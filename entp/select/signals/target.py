"""How near a sample's meaning is to the target's."""

from __future__ import annotations

import numpy as np
import polars as pl

from entp.embed import embed_samples
from entp.progress import progress
from entp.select.signals.pool import Computed, Pool, wanted


def compute(pool: Pool) -> Computed:
    """`target_cosine`: cosine (-1..1) of the embedding to the nearest one of the target set."""
    items = wanted(pool)
    with progress("select: embed the target", items.height) as advance:
        target = embed_samples(items, pool.config.embed, advance)
    return Computed(
        pool.samples.select("id", target_cosine=pl.Series(nearest_cosine(pool.vectors, target), dtype=pl.Float64))
    )


def nearest_cosine(vectors: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The largest cosine [n] of each of the unit-length `vectors` [n, d] to any of `target` [m, d]."""
    # Rounded: the last bits of a product of matrices depend on how it was cut.
    return np.round((vectors @ target.T).max(axis=1).astype(np.float64), 6)
