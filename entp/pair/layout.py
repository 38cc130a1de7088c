"""Two coordinates for each sample, for a map of the domains."""

from __future__ import annotations

import numpy as np

DECIMALS = 5


def map_coordinates(vectors: np.ndarray) -> np.ndarray:
    """First two principal components [n, 2]; each axis points so that its largest loading is positive."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)
    first_two = axes[:, ::-1][:, :2]
    largest = np.abs(first_two).argmax(axis=0)
    first_two = first_two * np.sign(first_two[largest, [0, 1]])
    # Adding zero turns -0.0 into 0.0.
    return np.round(centred @ first_two, DECIMALS) + 0.0
