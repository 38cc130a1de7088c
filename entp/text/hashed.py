"""Tokens of many texts as hashes, on end in one array: the same in every process, version and machine."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import xxhash

#: Of the polynomial hash of a run; any large odd number does.
_BASE = np.uint64(0x9E37_79B9_7F4A_7C15)


def hashed_tokens(texts: pl.Series, pattern: str) -> tuple[np.ndarray, np.ndarray]:
    """The hashes of the pattern's matches in the lower-case texts, all on end, and how many each text has."""
    tokens = texts.str.to_lowercase().str.extract_all(pattern)
    return hashed_lists(tokens), tokens.list.len().to_numpy().astype(np.int64)


def hashed_lists(tokens: pl.Series) -> np.ndarray:
    """The hashes of all tokens of a column of lists, on end."""
    words = pa.chunked_array([tokens.explode(empty_as_null=False).to_arrow()]).combine_chunks().dictionary_encode()
    # A token is hashed once, however often it occurs.
    known = [xxhash.xxh3_64_intdigest(word.encode("utf-8", "surrogatepass")) for word in words.dictionary.to_pylist()]
    return np.array(known, dtype=np.uint64)[words.indices.to_numpy(zero_copy_only=False)]


def hashed_runs(hashes: np.ndarray, counts: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """The hashes of all runs of `length` tokens inside a text, on end, and how many each text has."""
    rolled = np.zeros(max(len(hashes) - length + 1, 0), dtype=np.uint64)
    for offset in range(length):
        rolled = rolled * _BASE + hashes[offset : offset + len(rolled)]
    runs = np.maximum(counts - length + 1, 0)
    starts, first = np.cumsum(counts) - counts, np.cumsum(runs) - runs
    return rolled[np.repeat(starts - first, runs) + np.arange(int(runs.sum()))], runs
