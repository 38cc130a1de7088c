"""How hard each source's text is to foresee: its conditional entropy, from counts of neighbouring words."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from entp.errors import DataError
from entp.records import chances
from entp.text.tokens import lower_tokens


def entropies(samples: pl.DataFrame, seed: int) -> dict[str, float]:
    """H(next word | word) in nats of each source of a SAMPLES table, over equally many pairs of words of each.

    The fewest that a source has, for few pairs foretell each other; which, is by chance. Raises DataError for a source
    without two neighbouring words.
    """
    ordered = samples.sort(chances(samples["id"], seed))
    pairs = {
        str(source): _neighbours(rows)
        for (source,), rows in sorted(ordered.group_by("source", maintain_order=True), key=lambda group: str(group[0]))
    }
    fewest = min(pairs, key=lambda source: len(pairs[source]))
    count = len(pairs[fewest])
    if not count:
        raise DataError(f"source {fewest!r} has no two neighbouring words, and so no entropy")
    return {source: conditional_entropy(found[:count, 0], found[:count, 1]) for source, found in pairs.items()}


def conditional_entropy(first: ArrayLike, second: ArrayLike) -> float:
    """H(next token | token) of one source in nats: - sum p(a, b) log p(b | a), by counting.

    `first` and `second` [n] are all its pairs of neighbouring tokens, as any whole numbers. A source of few tokens
    comes out low, since most of its pairs occur once: count the same number of pairs of each. Raises DataError where
    there is no pair.
    """
    pairs = np.stack([np.asarray(first), np.asarray(second)], axis=1)
    if not len(pairs):
        raise DataError("a source without two neighbouring tokens has no entropy: leave it out")
    return _entropy(pairs) - _entropy(pairs[:, :1])


def _neighbours(samples: pl.DataFrame) -> np.ndarray:
    """Hashes of all pairs of words side by side in a message [n, 2]."""
    texts = samples["messages"].list.eval(pl.element().struct.field("content")).explode()
    hashes, counts = lower_tokens(texts).words()
    message = np.repeat(np.arange(len(counts)), counts)
    together = message[1:] == message[:-1]
    return np.stack([hashes[:-1][together], hashes[1:][together]], axis=1)


def _entropy(rows: np.ndarray) -> float:
    """Shannon entropy in nats of the rows [n, d] as they were drawn."""
    _, counts = np.unique(rows, axis=0, return_counts=True)
    share = counts / counts.sum()
    return float(-(share * np.log(share)).sum())
