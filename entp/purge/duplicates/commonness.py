"""SoftDedup: what a pool says over and over is sampled less often, not dropped (He et al. 2024, arXiv 2407.06654).

A sample's commonness p(x) is its probability under an n-gram model of the pool itself (4-grams, as in the paper), and
its sampling weight W(x) is proportional to 1 / p(x). The rest is our reading:

- p(x) is the geometric mean over the sample's tokens, so that long samples are not rare for their length.
- The model asks what the *other* samples say: each n-gram counts once per sample, and the sample's own count is taken
  off. With N(g) other samples that hold the n-gram g,

      P(w | h) = (N(hw) + K P(w | h')) / (N(h) + K)        h' being h without its first token,

  which is hierarchical Dirichlet smoothing (MacKay & Peto 1995); the paper's Kneser-Ney needs a count of distinct
  continuations, which in a table of bounded size depends on the order of the rows.
- Weights are at most 1: samples no more common than a quantile q of the pool keep it, the others have p_q / p(x), not
  below a floor.

Two passes over the texts, chunk by chunk: `count`, then `commonness`. Counts live in a table of fixed size (a count-min
sketch, Cormode & Muthukrishnan 2005), which can only take a sample for more common than it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from entp.text.tokens import distinct, in_chunks, mix, tokens

#: Tokens in the longest n-gram (He et al. 2024).
ORDER = 4
#: K above: the other samples that must hold an n-gram before its own count outweighs the shorter one's.
SMOOTHING = 4.0
#: Rows of the table; an n-gram's count is the smallest of its cells.
ROWS = 2
#: Cells per row: with 32 bits each, 256 MB in all, for some 30 million distinct n-grams.
CELLS = 1 << 25


def empty_counts(cells: int = CELLS) -> np.ndarray:
    """A table [ROWS, cells] of zeros; `cells` is a power of two."""
    if cells & (cells - 1):
        raise ValueError(f"{cells} cells: give a power of two")
    return np.zeros((ROWS, cells), np.uint32)


def count(texts: Sequence[str], counts: np.ndarray) -> None:
    """Add to `counts` one for each sample and n-gram in it; the sum over chunks does not depend on their order."""
    for chunk in in_chunks(texts):
        grams, owner = _grams(texts[chunk])
        for row, cells in enumerate(_cells(np.concatenate(grams), counts.shape[1])):
            # An n-gram said twice in a sample, or sharing a cell with another there, counts once.
            once = distinct((np.tile(owner, ORDER) << 32) | cells)
            np.add.at(counts[row], once & 0xFFFFFFFF, np.uint32(1))


def commonness(texts: Sequence[str], counts: np.ndarray, samples: int) -> np.ndarray:
    """p(x) [n] (0..1) of texts that were counted among `samples`: how likely the others make each token.

    A text without tokens has 0.
    """
    found = [np.empty(0)]
    for chunk in in_chunks(texts):
        grams, owner = _grams(texts[chunk])
        logs = np.log(_probabilities(grams, counts, samples))
        length = len(texts[chunk])
        token_count = np.bincount(owner, minlength=length)
        mean = np.round(np.bincount(owner, logs, minlength=length) / np.maximum(token_count, 1), 9)
        found.append(np.where(token_count > 0, np.exp(mean), 0.0))
    return np.concatenate(found)


def weights(common: np.ndarray, quantile: float, floor: float) -> np.ndarray:
    """Sampling weights [n] in [floor, 1]: 1 up to the `quantile` (0..1) of commonness, above it proportional to 1/p."""
    if not len(common):
        return common
    spared = max(float(np.quantile(common, quantile, method="lower")), np.finfo(float).tiny)
    return np.clip(spared / np.maximum(common, spared), floor, 1.0)


def _probabilities(grams: list[np.ndarray], counts: np.ndarray, samples: int) -> np.ndarray:
    """P(token | the tokens before it) [t], from the single token up to ORDER - 1 tokens of history."""
    others = [_held_by_others(gram, counts) for gram in grams]
    # A token that nobody else says is as rare as one in ten samples' worth of pools.
    probability = (others[0] + 0.1) / (samples + 0.1)
    for longer in range(1, ORDER):
        history = np.concatenate([[0.0], others[longer - 1][:-1]])
        # Where the history would reach into another text, there is no n-gram: the shorter one decides.
        whole = grams[longer] != 0
        history = np.where(whole, np.maximum(history, others[longer]), 0.0)
        joint = np.where(whole, others[longer], 0.0)
        probability = (joint + SMOOTHING * probability) / (history + SMOOTHING)
    return np.asarray(probability)


def _held_by_others(grams: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """How many other samples hold each n-gram [t], at most."""
    cells = _cells(grams, counts.shape[1])
    smallest = np.minimum.reduce([counts[row][cell] for row, cell in enumerate(cells)])
    return np.maximum(smallest.astype(np.float64) - 1.0, 0.0)


def _grams(texts: Sequence[str]) -> tuple[list[np.ndarray], np.ndarray]:
    """Hashes [t] of the n-grams of 1 to ORDER tokens that end at each token (0 where the text begins later), and the
    tokens' texts."""
    found = tokens([text.lower() for text in texts])
    owner = np.repeat(np.arange(len(texts)), np.diff(found.offsets))
    grams = [found.hashes]
    for longer in range(1, ORDER):
        gram = np.zeros(len(owner), np.uint64)
        whole = owner[longer:] == owner[:-longer]
        joined = mix(grams[-1][longer - 1 : -1] * np.uint64(0xA0761D6478BD642F) + found.hashes[longer:])
        gram[longer:] = np.where(whole, joined, 0)
        grams.append(gram)
    return grams, owner


def _cells(grams: np.ndarray, cells: int) -> list[np.ndarray]:
    """The cell of each n-gram in each row of the table."""
    mixed = mix(grams)
    return [((mixed >> np.uint64(32 * row)) & np.uint64(cells - 1)).astype(np.int64) for row in range(ROWS)]
