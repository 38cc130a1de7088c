"""Which of many texts can give an item away at all: a look at hashes, for all texts at once.

A shared run of words is also a shared run of their letters and digits, whatever stands between them. So every text that
`ContaminationIndex` finds something in has a hash in common with the items; the few that have one are looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from entp.contamination.items import Item
from entp.text.tokens import Tokens, hashed_runs, lower_tokens


@dataclass(frozen=True)
class Prefilter:
    """Sorted hashes of the items' runs of `length` words, as `entp.text.tokens` cuts them, and of their whole texts."""

    length: int
    runs: np.ndarray
    wholes: np.ndarray

    def may_leak(self, texts: Tokens) -> np.ndarray:
        """Whether each text, in lower case, shares a run with an item, or is all of one."""
        hashes, counts = texts.words()
        runs, per_text = hashed_runs(hashes, counts, self.length)
        hits = _is_in(runs, self.runs)
        owners = np.repeat(np.arange(len(counts)), per_text)
        shared = np.bincount(owners, weights=hits, minlength=len(counts)) > 0
        return shared | _is_in(_whole(hashes, counts), self.wholes)


def build_prefilter(items: Sequence[Item], length: int) -> Prefilter:
    """The prefilter of all texts of the items."""
    hashes, counts = lower_tokens(pl.Series([text for item in items for text in item.texts], dtype=pl.String)).words()
    runs, _ = hashed_runs(hashes, counts, length)
    return Prefilter(length, np.unique(runs), np.unique(_whole(hashes, counts)))


def _whole(hashes: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """A number for each text that depends on its pieces; those of other pieces rarely share it."""
    owners = np.repeat(np.arange(len(counts)), counts)
    totals = np.zeros(len(counts), dtype=np.uint64)
    np.add.at(totals, owners, hashes)
    return totals


def _is_in(hashes: np.ndarray, known: np.ndarray) -> np.ndarray:
    if not len(known):
        return np.zeros(len(hashes), dtype=np.bool_)
    return known[np.minimum(np.searchsorted(known, hashes), len(known) - 1)] == hashes
