"""Who stays: of each component the best sample, and every other that is no copy of one that stays."""

from __future__ import annotations

import numpy as np

from entp.purge.duplicates.similarity import ShingleSets, similarities


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
