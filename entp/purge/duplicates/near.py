"""Near-duplicates of a pool, from the hashes of its shingles: which samples are alike, and who of them stays."""

from __future__ import annotations

import numpy as np
import polars as pl

from entp.purge.duplicates.join import connected
from entp.purge.duplicates.shared import Chunks, candidates, flat
from entp.purge.duplicates.similarity import SIDES, Scope, ShingleSets, shingle_sets, similarities
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


def survivors(sets: ShingleSets, components: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """For each sample the one that it is a copy of (itself where it stays), and their similarity.

    Samples are numbered by rank. In each component they are visited in that order; one is dropped where its similarity
    to a sample that stays is the threshold or more, and names the most similar. So the best of a component always
    stays, and nobody is dropped at the end of a chain of ever less similar samples.
    """
    count = len(sets)
    kept_by = np.arange(count)
    closest = np.zeros(count)
    waiting = np.lexsort((np.arange(count), components))
    while len(waiting):
        # The first of each component that is no copy so far stays; all after it are compared with it.
        labels = components[waiting]
        starts = np.flatnonzero(np.concatenate([[True], labels[1:] != labels[:-1]]))
        sizes = np.diff(np.concatenate([starts, [len(waiting)]]))
        stays = np.repeat(waiting[starts], sizes)
        others = waiting != stays
        left, right = stays[others], waiting[others]
        found = similarities(sets, left, right)
        better = (found >= threshold) & (found > closest[right])
        kept_by[right[better]] = left[better]
        closest[right[better]] = found[better]
        waiting = _without_finished(right, components, kept_by)
    return kept_by, closest


def _without_finished(waiting: np.ndarray, components: np.ndarray, kept_by: np.ndarray) -> np.ndarray:
    """What is left to visit: from the first sample of each component that is no copy on."""
    free = kept_by[waiting] == waiting
    labels = components[waiting]
    starts = np.flatnonzero(np.concatenate([[True], labels[1:] != labels[:-1]])) if len(waiting) else labels
    seen = np.cumsum(free)
    before = np.repeat((seen - free)[starts], np.diff(np.concatenate([starts, [len(waiting)]])).astype(np.int64))
    return waiting[seen > before]
