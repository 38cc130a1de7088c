"""The join: all connected components of pairs whose similarity is the threshold or more. Exact, by prefix filtering.

Order every sample's shingles from the rarest on. Two samples of similarity t have one of their first
n - ceil(t n) + 1 shingles in common (Chaudhuri et al. 2006; Bayardo et al. 2007), so only samples that meet in a
bucket, the samples with a shingle among their first, are compared. In a large bucket a pair is not compared where the
two are connected already: twenty thousand copies of one text take some twenty thousand comparisons, not the square.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from entp.purge.duplicates.shared import prefix_lengths
from entp.purge.duplicates.similarity import ShingleSets, similarities

#: Of a bucket of no more samples than this, all pairs are compared at once.
SMALL_BUCKET = 24
#: Samples whose partners in large buckets are looked for at once: few at first, so that what is alike connects early.
LARGEST_BATCH = 256


def connected(sets: ShingleSets, threshold: float) -> np.ndarray:
    """For each sample the number of its component. Samples are numbered by rank: the likeliest survivor is 0."""
    components = Components(len(sets))
    buckets = list(_buckets(sets, threshold))
    small = [bucket for bucket in buckets if len(bucket) <= SMALL_BUCKET]
    _connect_similar(sets, components, _pairs_of_small(small, len(sets)), threshold)
    for pairs in _pairs_of_large([bucket for bucket in buckets if len(bucket) > SMALL_BUCKET], components):
        _connect_similar(sets, components, pairs, threshold)
    return components.labels(np.arange(len(sets)))


def _connect_similar(
    sets: ShingleSets, components: Components, pairs: tuple[np.ndarray, np.ndarray], threshold: float
) -> None:
    left, right = pairs
    similar = similarities(sets, left, right) >= threshold
    components.connect(left[similar], right[similar])


def _buckets(sets: ShingleSets, threshold: float) -> Iterator[np.ndarray]:
    """For each shingle that is among the first of two samples or more, those samples in order of rank."""
    samples, shingles = _entries(sets)
    counts = np.bincount(shingles, minlength=shingles.max(initial=0) + 1)
    order = np.lexsort((shingles, counts[shingles], samples))
    samples, shingles = samples[order], shingles[order]
    sizes = np.bincount(samples, minlength=len(sets))
    place = np.arange(len(samples)) - (np.cumsum(sizes) - sizes)[samples]
    first = (place < prefix_lengths(sizes, threshold)[samples]) & (counts[shingles] > 1)

    samples, shingles = samples[first], shingles[first]
    order = np.lexsort((samples, shingles))
    samples, shingles = samples[order], shingles[order]
    edges = np.flatnonzero(np.diff(shingles)) + 1
    return (bucket for bucket in np.split(samples, edges) if len(bucket) > 1)


def _entries(sets: ShingleSets) -> tuple[np.ndarray, np.ndarray]:
    """Every (sample, shingle) of all sides; shingles of different sides have different numbers."""
    samples = [np.repeat(np.arange(len(sets)), sizes) for sizes in sets.sizes]
    return np.concatenate(samples), np.concatenate([matrix.indices for matrix in sets.matrices])


def _pairs_of_small(buckets: Sequence[np.ndarray], count: int) -> tuple[np.ndarray, np.ndarray]:
    """The distinct pairs of samples that meet in any of the buckets."""
    keys = [np.zeros(0, dtype=np.int64)]
    by_size: dict[int, list[np.ndarray]] = {}
    for bucket in buckets:
        by_size.setdefault(len(bucket), []).append(bucket)
    for size, alike in by_size.items():
        table = np.stack(alike).astype(np.int64)
        one, other = np.triu_indices(size, k=1)
        keys.append((table[:, one] * count + table[:, other]).ravel())
    pairs = np.unique(np.concatenate(keys))
    return pairs // max(count, 1), pairs % max(count, 1)


def _pairs_of_large(buckets: Sequence[np.ndarray], components: Components) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The pairs of samples that meet in any of the buckets and are not connected when they are asked for."""
    meets: dict[int, list[tuple[int, int]]] = {}
    for number, bucket in enumerate(buckets):
        for place, sample in enumerate(bucket.tolist()):
            meets.setdefault(sample, []).append((number, place))
    waiting = np.array(sorted(meets))
    size = 1
    while len(waiting):
        batch, waiting = waiting[:size], waiting[size:]
        size = min(2 * size, LARGEST_BATCH)
        open_buckets = {number for number, bucket in enumerate(buckets) if not _is_connected(bucket, components)}
        later = [
            [buckets[number][place + 1 :] for number, place in meets[sample] if number in open_buckets]
            for sample in batch.tolist()
        ]
        found = [_apart(sample, others, components) for sample, others in zip(batch, later, strict=True)]
        yield np.repeat(batch, [len(others) for others in found]), np.concatenate(found)


def _is_connected(bucket: np.ndarray, components: Components) -> bool:
    labels = components.labels(bucket)
    return bool((labels == labels[0]).all())


def _apart(sample: np.int64, later: Sequence[np.ndarray], components: Components) -> np.ndarray:
    """The distinct samples among these that are not connected with the sample."""
    others = np.concatenate([np.zeros(0, dtype=np.int64), *later])
    apart = components.labels(others) != components.labels(np.array([sample]))
    return np.unique(others[apart])


class Components:
    """A disjoint-set forest over `count` samples; grows together as pairs are found similar."""

    def __init__(self, count: int) -> None:
        self._parents = np.arange(count)

    def labels(self, samples: np.ndarray) -> np.ndarray:
        """A number for each sample, the same for two exactly where they are connected."""
        roots = self._parents[samples]
        while not np.array_equal(above := self._parents[roots], roots):
            roots = above
        self._parents[samples] = roots
        return roots

    def connect(self, left: np.ndarray, right: np.ndarray) -> None:
        """Connect `left[i]` with `right[i]`."""
        for one, other in zip(self.labels(left).tolist(), self.labels(right).tolist(), strict=True):
            low, high = sorted((self._root(one), self._root(other)))
            self._parents[high] = low

    def _root(self, sample: int) -> int:
        while (parent := int(self._parents[sample])) != sample:
            self._parents[sample] = sample = int(self._parents[parent])
        return sample
