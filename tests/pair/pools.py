"""Small pools for the parts of pairing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from entp.pair.pool import Pool


def pool(vectors: np.ndarray, languages: Sequence[str] | None = None, texts: Sequence[str] | None = None) -> Pool:
    """Samples named 0, 1, ... with these vectors, and no words unless `texts` has some."""
    size = len(vectors)
    said = list(texts or [""] * size)
    return Pool(
        ids=[str(number) for number in range(size)],
        languages=list(languages or ["en"] * size),
        texts=said,
        prompts=said,
        instructions=said,
        turns=[1] * size,
        calls_tools=np.zeros(size, dtype=bool),
        vectors=vectors.astype(np.float32),
    )


def fan(*degrees: float) -> np.ndarray:
    """Unit vectors in a plane, at these angles."""
    angles = np.radians(degrees)
    return np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)


def clouds(sizes: Sequence[int], spread: float = 0.25, seed: int = 0) -> np.ndarray:
    """Unit vectors around orthogonal directions, as many as `sizes` says, group after group."""
    random = np.random.default_rng(seed)
    rows = [np.eye(16)[group] + random.normal(0, spread, 16) for group, size in enumerate(sizes) for _ in range(size)]
    return np.array([row / np.linalg.norm(row) for row in rows], dtype=np.float32)
