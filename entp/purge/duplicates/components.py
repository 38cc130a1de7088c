"""Connected components: samples that are linked by a chain of similar pairs."""

from __future__ import annotations

import numpy as np


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
