"""How hard each source's text is to foresee: its conditional entropy, from counts of neighbouring words."""

from __future__ import annotations

import numpy as np
import polars as pl

from entp.errors import DataError
from entp.records import chances
from entp.sources.weights import conditional_entropy
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


def _neighbours(samples: pl.DataFrame) -> np.ndarray:
    """Hashes of all pairs of words side by side in a message [n, 2]."""
    texts = samples["messages"].list.eval(pl.element().struct.field("content")).explode()
    hashes, counts = lower_tokens(texts).words()
    message = np.repeat(np.arange(len(counts)), counts)
    together = message[1:] == message[:-1]
    return np.stack([hashes[:-1][together], hashes[1:][together]], axis=1)
