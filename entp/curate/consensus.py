"""Counts of score triples: what a sample and its two nearest neighbours were rated.

The sample (the hub) has an axis of its own; its two neighbours are exchangeable and are counted in both orders. With
several raters every axis holds the raters' scores one after the other (rater * n_scores + score), and a triple is
counted once for each choice of rater at each of its three places.
"""

from __future__ import annotations

import numpy as np

#: Share of the free samples that a round of growth must take; where it takes less, new patches begin among them.
STALLED = 0.05
#: Share of the free samples that new patches begin from.
FRESH_SEEDS = 0.02


def triple_cells(scores: np.ndarray, neighbours: np.ndarray, n_scores: int) -> np.ndarray:
    """Cell of each triple in the flattened [w, w, w] table, w = raters * n_scores: [n, raters**3], from `scores`
    [n, raters] and `neighbours` [n, 2 or more]."""
    raters = scores.shape[1]
    width = raters * n_scores
    seen = scores + n_scores * np.arange(raters)
    first, second = seen[neighbours[:, 0]], seen[neighbours[:, 1]]
    cells = (seen[:, :, None, None] * width + first[:, None, :, None]) * width + second[:, None, None, :]
    return cells.reshape(len(scores), -1)


def consensus(cells: np.ndarray, width: int) -> np.ndarray:
    """Shares [w, w, w] (hub, neighbour, neighbour) of all samples' triples; symmetric in the neighbours.

    Sums to 1 for one rater, to raters**3 for several.
    """
    return symmetric(np.bincount(cells.ravel(), minlength=width**3), width) / len(cells)


def block_counts(cells: np.ndarray, blocks: np.ndarray, width: int) -> np.ndarray:
    """Counts [blocks, w**3] of the triples whose hub is in each block."""
    size = width**3
    offsets = blocks[:, None] * size + cells
    return np.bincount(offsets.ravel(), minlength=(blocks.max() + 1) * size).reshape(-1, size)


def symmetric(counts: np.ndarray, width: int) -> np.ndarray:
    table = counts.reshape(width, width, width)
    return (table + table.transpose(0, 2, 1)) / 2


def neighbourhood_blocks(neighbours: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Number [n] of the block that each sample is in: about `count` patches of the neighbour graph.

    One sample's rating is in the triples of its neighbours too, so triples are resampled in patches that hold most of
    each other's neighbours (our choice). Patches grow from random samples along the edges, both ways.
    """
    size = len(neighbours)
    random = np.random.default_rng(seed)
    blocks = np.full(size, -1)
    blocks[random.choice(size, min(count, size), replace=False)] = np.arange(min(count, size))
    free = np.flatnonzero(blocks < 0)
    while len(free):
        before = len(free)
        for column in (0, 1):
            blocks[free] = np.where(blocks[free] < 0, blocks[neighbours[free, column]], blocks[free])
            reached = neighbours[:, column]
            open_ended = (blocks >= 0) & (blocks[reached] < 0)
            blocks[reached[open_ended]] = blocks[open_ended]
        free = free[blocks[free] < 0]
        if before - len(free) < STALLED * before:
            seeds = free[random.random(len(free)) < FRESH_SEEDS] if len(free) > count else free
            blocks[seeds] = random.integers(0, min(count, size), len(seeds))
            free = free[blocks[free] < 0]
    return blocks
