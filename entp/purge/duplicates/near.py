"""Near-duplicates of a pool, from the hashes of its shingles."""

from __future__ import annotations

import numpy as np
import polars as pl

from entp.purge.duplicates.join import connected
from entp.purge.duplicates.shared import Chunks, candidates, flat
from entp.purge.duplicates.similarity import SIDES, Scope, shingle_sets
from entp.purge.duplicates.survivors import survivors
from entp.records import DUPLICATES


def near_duplicates(chunks: Chunks, threshold: float, scope: Scope = "both") -> pl.DataFrame:
    """DUPLICATES rows of the samples whose similarity to a survivor is `threshold` or more; none is missed.

    `chunks` yields the rows of `hashed_shingles`, again at every call. Likelier to survive is the longer response, then
    the smaller id, so the result does not depend on the order of rows. `cluster` is the smallest id of all samples
    that are linked by similar pairs, survivors and copies.
    """
    if not threshold > 0:
        raise ValueError(f"a similarity of {threshold} or more is no similarity; take a threshold above 0")
    rows = candidates(chunks, scope, threshold).sort("length", "id", descending=[True, False])
    if rows.is_empty():
        return DUPLICATES.to_frame()
    sides = [flat(rows[side]) for side in SIDES[scope]]
    numbers = np.unique(np.concatenate([hashes for hashes, _ in sides]), return_inverse=True)[1]
    split = np.split(numbers, np.cumsum([len(hashes) for hashes, _ in sides])[:-1])
    sized = [(part, sizes) for part, (_, sizes) in zip(split, sides, strict=True)]
    sets = shingle_sets(scope, sized, int(numbers.max()) + 1)
    components = connected(sets, threshold)
    kept_by, closest = survivors(sets, components, threshold)
    found = rows.select("id", cluster=pl.col("id").min().over(pl.Series(components)))
    return (
        found.with_columns(survivor=rows["id"].gather(kept_by), jaccard=pl.Series(closest), cosine=pl.lit(None))
        .filter(pl.col("survivor") != pl.col("id"))
        .select(list(DUPLICATES))
        .cast(DUPLICATES)
        .sort("id")
    )
