"""A Bloom filter: which samples of a stream have been seen before, in ten to twenty bits a sample (Bloom 1970).

What it calls new is new. What it calls seen may be new, at the stated rate: so a sample is never to be dropped on its
word alone, but looked up in the exact index, which then is asked for few samples only.

Positions are a first hash plus multiples of a second, which costs no accuracy worth speaking of (Kirsch &
Mitzenmacher 2006). A filter's file is NumPy's, without pickle, and means the same on every machine.
"""

from __future__ import annotations

import hashlib
import math
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from entp.errors import DataError

#: Version of the file and of the hashing: a filter of another one would call everything new.
FORMAT = 1


@dataclass
class BloomFilter:
    """`words` hold the bits, 64 each; every key sets `hashes` of them; `held` keys were added so far."""

    capacity: int
    error_rate: float
    hashes: int
    words: np.ndarray
    held: int = 0


def empty_filter(capacity: int, error_rate: float) -> BloomFilter:
    """A filter that, when it holds `capacity` keys, takes a new key for a seen one with chance `error_rate` (0..1).

    Bits and hashes per key are the smallest that do: -log2(rate) / ln 2 and -log2(rate).
    """
    if capacity < 1 or not 0 < error_rate < 1:
        raise ValueError(f"capacity {capacity}, error rate {error_rate}: give at least 1, and a number between 0 and 1")
    bits = math.ceil(-capacity * math.log(error_rate) / math.log(2) ** 2)
    hashes = max(1, round(-math.log2(error_rate)))
    return BloomFilter(capacity, error_rate, hashes, np.zeros(bits // 64 + 1, np.uint64))


def keys_of(texts: Iterable[str]) -> np.ndarray:
    """128-bit keys [n, 2] (uint64) of texts, the same in every process: BLAKE2b."""
    digests = (hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts)
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64).reshape(-1, 2)


def add(known: BloomFilter, keys: np.ndarray) -> np.ndarray:
    """Add `keys` [n, 2] to the filter; for each, whether it seems to have been there, or is earlier among `keys`."""
    seen = contains(known, keys)
    _, first = np.unique(np.ascontiguousarray(keys).view("u8,u8"), return_index=True)
    repeated = np.ones(len(keys), bool)
    repeated[first] = False
    for positions in _positions(known, keys):
        np.bitwise_or.at(known.words, positions >> 6, _bit(positions))
    seen |= repeated
    known.held += int((~seen).sum())
    return seen


def contains(known: BloomFilter, keys: np.ndarray) -> np.ndarray:
    """For each of `keys` [n, 2], whether it seems to have been added."""
    found = np.ones(len(keys), bool)
    for positions in _positions(known, keys):
        found &= (known.words[positions >> 6] & _bit(positions)) != 0
    return found


def current_error_rate(known: BloomFilter) -> float:
    """Chance that a new key is taken for a seen one, by the share of the bits that are set; rises past `capacity`."""
    share = float(np.bitwise_count(known.words).sum()) / (64 * len(known.words))
    return share**known.hashes


def save(known: BloomFilter, path: Path) -> None:
    """Write the filter to `path` (NumPy's npz)."""
    numbers = np.array([FORMAT, known.capacity, known.hashes, known.held], np.int64)
    with path.open("wb") as file:
        np.savez(file, numbers=numbers, error_rate=np.float64(known.error_rate), words=known.words)


def load(path: Path) -> BloomFilter:
    """The filter in a file that `save` wrote. Raises DataError where it is none, or of another version."""
    try:
        with np.load(path, allow_pickle=False) as file:
            version, capacity, hashes, held = file["numbers"].tolist()
            words = file["words"].astype(np.uint64, casting="equiv")
            known = BloomFilter(capacity, float(file["error_rate"]), hashes, words, held)
    except (OSError, EOFError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a Bloom filter that can be read ({error}); build it again") from error
    if version != FORMAT:
        raise DataError(f"{path}: a Bloom filter of format {version}, this is format {FORMAT}: build it again")
    return known


def _positions(known: BloomFilter, keys: np.ndarray) -> Iterable[np.ndarray]:
    """Bit positions [n] of the keys, one array per hash."""
    bits = np.uint64(64 * len(known.words))
    step = keys[:, 1] | np.uint64(1)
    return (((keys[:, 0] + np.uint64(number) * step) % bits).astype(np.int64) for number in range(known.hashes))


def _bit(positions: np.ndarray) -> np.ndarray:
    """The bit of each position in its word."""
    return np.asarray(np.uint64(1) << (positions & 63).astype(np.uint64))
