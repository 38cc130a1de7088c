"""How much a text repeats itself, for all texts of a chunk at once: arithmetic on the hashes of their words.

A column of words is a list of hashes for each text (`hashed_words`): letters and digits on end, or a Han character.
"""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pyarrow as pa

from entp.text.tokens import Tokens, hashed_runs

_SPOKEN = re.compile(r"[\u4e00-\u9fff]|(?P<word>[^\W\d_\u4e00-\u9fff](?:[^\W\d_\u4e00-\u9fff]|['’])+)|[\w'’]+")

_LIST_MARK = re.compile(r"^(?:\(?\d{1,3}[.):、]|[-*•])\s*")


def hashed_words(found: Tokens) -> pl.Series:
    """The hashes of the words of each text, in order."""
    return _lists(*found.words())


def repeated_share(words: pl.Series, length: int) -> pl.Series:
    """Share (0..1) of each text's runs of `length` words that occurred before in it."""
    runs = _lists(*hashed_runs(*_flat(words), length)).list
    return 1 - runs.n_unique() / runs.len().clip(1)


def top_share(words: pl.Series, length: int) -> pl.Series:
    """Share (0..1) of each text's words that its commonest run of `length` words covers; 0 where none comes twice."""
    runs, per_text = hashed_runs(*_flat(words), length)
    ordered = _lists(runs, per_text).list.sort().explode(empty_as_null=False).to_numpy()
    most = _longest_stretch(ordered, per_text)
    covered = np.where(most > 1, most * length, 0) / np.maximum(words.list.len().to_numpy(), 1)
    return pl.Series(np.minimum(covered, 1.0))


def longest_run(words: pl.Series) -> pl.Series:
    """Times in a row that a word follows itself, at the worst place of each text."""
    return pl.Series(np.maximum(_longest_stretch(*_flat(words)) - 1, 0))


def repeated_word_run(text: str) -> int:
    """Times in a row that a word of two letters or more follows itself; numbers and single signs may stand in rows."""
    longest = run = 0
    before = ""
    for match in _SPOKEN.finditer(text.lower()):
        word = match.group()
        run = run + 1 if word == before and match.lastgroup == "word" else 0
        longest, before = max(longest, run), word
    return longest


def repeated_lines_share(text: str) -> float:
    """Share (0..1) of the lines that say what an earlier one said; 0 under three lines of 20 characters and more."""
    items = [_LIST_MARK.sub("", line.strip()) for line in text.split("\n")]
    lines = [item for item in items if len(item) >= 20]
    return 1 - len(set(lines)) / len(lines) if len(lines) >= 3 else 0.0


def _longest_stretch(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The most equal values on end in each text, 0 where it has none."""
    longest = np.zeros(len(counts), dtype=np.int64)
    if not len(values):
        return longest
    owners = np.repeat(np.arange(len(counts)), counts)
    starts = np.flatnonzero(np.concatenate([[True], (values[1:] != values[:-1]) | (owners[1:] != owners[:-1])]))
    np.maximum.at(longest, owners[starts], np.diff(np.concatenate([starts, [len(values)]])))
    return longest


def _flat(words: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    return words.explode(empty_as_null=False).to_numpy(), words.list.len().to_numpy().astype(np.int64)


def _lists(values: np.ndarray, counts: np.ndarray) -> pl.Series:
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return pl.Series(pl.from_arrow(pa.LargeListArray.from_arrays(offsets, pa.array(values))))
