"""Tokens of many texts at once, as 64-bit numbers.

The same numbers in every run, process and version of a library; two different words share one by chance once in
2^64 pairs, so what is found by these numbers is verified on the text where it matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl

#: Characters worked on at a time: bounds memory to about 200 MB, however long the texts are.
CHUNK_CHARACTERS = 2_000_000
_HAN_KANA = r"\u3040-\u30ff\u3400-\u9fff"
_WORD, _CHARACTER, _SIGN, _MARK = 1, 2, 3, 4
#: Odd, so that it has an inverse modulo 2^64.
_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 1 << 64)
#: What a text of fewer tokens than a run is filled with.
_PAD = np.uint64(0x5851F42D4C957F2D)


@dataclass(frozen=True)
class Tokens:
    """`hashes` [t] of all tokens; text i has those from `offsets[i]` to `offsets[i + 1]`.

    `starts` and `ends` [t] are character positions in the token's own text; `is_word` [t] is false for signs.
    """

    offsets: np.ndarray
    hashes: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    is_word: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """Tokens of each text [n]."""
        return np.diff(self.offsets)

    def words(self) -> tuple[np.ndarray, np.ndarray]:
        """The hashes of the tokens that are no signs, and how many each text has."""
        before = np.concatenate([[0], np.cumsum(self.is_word)])
        return self.hashes[self.is_word], np.diff(before[self.offsets])


#: The arrays that have a place for each token.
_COLUMNS = ("hashes", "starts", "ends", "is_word")


def tokens(texts: Sequence[str], *, marks: bool = False) -> Tokens:
    """Words, single Han or kana characters, and the signs that matter in formulas and code; case is kept.

    With `marks`, runs of signs and all other marks are tokens instead of single signs, so that equal tokens mean equal
    texts but for white space.
    """
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    begins = np.concatenate([[0], np.cumsum(lengths + 1)])
    codes = np.frombuffer(("\n".join(texts) + "\n").encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds = _kinds()[codes]
    if marks:
        kinds = np.minimum(kinds, _SIGN)
    # A token goes on where the character before is of its kind, unless each one is a token of its own.
    goes_on = (kinds == _WORD) | (kinds == (_SIGN if marks else _WORD))
    goes_on[1:] &= kinds[1:] == kinds[:-1]
    goes_on[:1] = False
    inside = (kinds > 0) & (kinds <= _SIGN)
    starts = np.flatnonzero(inside & ~goes_on)
    ends = np.flatnonzero(inside & ~np.append(goes_on[1:], False)) + 1
    offsets = np.searchsorted(starts, begins)
    own_begin = np.repeat(begins[:-1], np.diff(offsets))
    hashes = _hash_ranges(codes, starts, ends)
    return Tokens(offsets, hashes, starts - own_begin, ends - own_begin, kinds[starts] != _SIGN)


def lower_tokens(texts: pl.Series) -> Tokens:
    """`tokens` of the texts in lower case. A text of marks alone, "!!!" say, has those between its white space."""
    lower = texts.str.to_lowercase().to_list()
    parts = [_with_bare_marks(lower[chunk]) for chunk in in_chunks(lower)] or [tokens([])]
    counts = np.concatenate([[0], *(part.counts for part in parts)])
    columns = (np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS)
    return Tokens(np.cumsum(counts), *columns)


def hashed_runs(hashes: np.ndarray, counts: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """The hashes of all runs of `length` tokens inside a text, on end, and how many each text has.

    `hashes` are those of all texts on end, `counts` [n] says how many are each one's.
    """
    rolled = np.zeros(max(len(hashes) - length + 1, 0), dtype=np.uint64)
    for offset in range(length):
        rolled = rolled * np.uint64(_BASE) + hashes[offset : offset + len(rolled)]
    runs = np.maximum(counts - length + 1, 0)
    starts, first = np.cumsum(counts) - counts, np.cumsum(runs) - runs
    return rolled[np.repeat(starts - first, runs) + np.arange(int(runs.sum()))], runs


def shingle_hashes(found: Tokens, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of all runs of `size` tokens, and how many each text has; fewer tokens are one run, and so are none."""
    counts = found.counts
    padded = np.maximum(counts, size)
    flat = np.full(int(padded.sum()), _PAD)
    shift = (np.cumsum(padded) - padded) - found.offsets[:-1]
    flat[np.repeat(shift, counts) + np.arange(len(found.hashes))] = found.hashes
    return hashed_runs(flat, padded, size)


def in_chunks(texts: Sequence[str], characters: int = CHUNK_CHARACTERS) -> Iterator[slice]:
    """Slices of `texts` that hold about `characters` each, at least one text."""
    start, held = 0, 0
    for position, text in enumerate(texts):
        held += len(text)
        if held >= characters:
            yield slice(start, position + 1)
            start, held = position + 1, 0
    if start < len(texts):
        yield slice(start, len(texts))


def mix(values: np.ndarray) -> np.ndarray:
    """A permutation of the 64-bit numbers in which every bit depends on every bit (splitmix64's finaliser)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)))


def distinct(values: np.ndarray) -> np.ndarray:
    """The distinct values [m], sorted (`np.unique` takes a hundred times as long for 64-bit numbers)."""
    in_order = np.sort(values)
    first = np.ones(len(values), bool)
    first[1:] = in_order[1:] != in_order[:-1]
    return np.asarray(in_order[first])


def _with_bare_marks(texts: list[str]) -> Tokens:
    found = tokens(texts)
    bare = np.flatnonzero(found.counts == 0)
    marks = tokens([texts[place] for place in bare], marks=True)
    if not len(marks.hashes):
        return found
    counts = found.counts
    counts[bare] = marks.counts
    at = np.repeat(found.offsets[bare], marks.counts)
    columns = (np.insert(getattr(found, name), at, getattr(marks, name)) for name in _COLUMNS)
    return Tokens(np.concatenate([[0], np.cumsum(counts)]), *columns)


def _hash_ranges(codes: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Polynomial hashes of the ranges of characters, by prefix sums modulo 2^64."""
    powers, inverses = _powers(_BASE, len(codes)), _powers(_INVERSE, len(codes))
    prefix = np.zeros(len(codes) + 1, np.uint64)
    np.cumsum(mix(codes.astype(np.uint64) + np.uint64(1)) * powers, out=prefix[1:])
    return mix((prefix[ends] - prefix[starts]) * inverses[starts])


def _powers(base: int, count: int) -> np.ndarray:
    powers = np.full(count, np.uint64(base))
    powers[:1] = 1
    return np.asarray(np.cumprod(powers))


@lru_cache(maxsize=1)
def _kinds() -> np.ndarray:
    """What each code point is: part of a word, a Han or kana character, a sign, another mark, or 0 for white space."""
    alphabet = "".join(map(chr, range(0x110000)))
    kinds = np.zeros(len(alphabet), np.uint8)
    for kind, pattern in (
        (_MARK, r"\S+"),
        (_WORD, rf"[^\W_{_HAN_KANA}]+"),
        (_CHARACTER, rf"[{_HAN_KANA}]+"),
        (_SIGN, r"[-+*/=<>^%&|~#$@_\\]+"),
    ):
        for found in re.finditer(pattern, alphabet):
            kinds[found.start() : found.end()] = kind
    return kinds
