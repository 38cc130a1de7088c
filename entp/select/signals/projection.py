"""Long vectors in few dimensions, so that those of a whole pool can be kept and compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Projection:
    """Adds every coordinate, with its sign, to one of `dimensions` sums; obtained from `drawn`.

    A count sketch (Charikar et al. 2002; Weinberger et al. 2009). Mean and variance of the inner products are those of
    LESS's dense matrix of random signs, at p additions in place of p x d, and no matrix.
    """

    sums: np.ndarray
    signs: np.ndarray
    dimensions: int

    def __call__(self, vector: np.ndarray) -> np.ndarray:
        """A vector [p] as one of [d] (float32)."""
        return np.bincount(self.sums, vector * self.signs, self.dimensions).astype(np.float32)


def drawn(width: int, dimensions: int, seed: int) -> Projection:
    """The projection of vectors of this width: sums and signs by chance, the same for the same seed."""
    generator = np.random.default_rng([seed, width])
    signs = generator.integers(0, 2, width, dtype=np.int8) * np.int8(2) - np.int8(1)
    return Projection(generator.integers(0, dimensions, width), signs, dimensions)
