"""Words of many texts at once, as 64-bit numbers.

The same numbers in every run, process and version of a library; two different words share one by chance once in
2^64 pairs, so what is found by these numbers is verified on the text where it matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

#: Characters worked on at a time: bounds memory to about 200 MB, however long the texts are.
CHUNK_CHARACTERS = 2_000_000
_HAN_KANA = r"\u3040-\u30ff\u3400-\u9fff"
_WORD, _CHARACTER, _SIGN, _MARK = 1, 2, 3, 4
#: Odd, so that it has an inverse modulo 2^64.
_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 1 << 64)
_FACTOR = np.uint64(0xD6E8FEB86659FD93)


@dataclass(frozen=True)
class Tokens:
    """`hashes` [t] of all tokens; text i has those from `offsets[i]` to `offsets[i + 1]`.

    `starts` and `ends` [t] are character positions in the token's own text.
    """

    hashes: np.ndarray
    offsets: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


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
    return Tokens(_hash_ranges(codes, starts, ends), offsets, starts - own_begin, ends - own_begin)


def shingle_hashes(found: Tokens, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of all runs of `size` tokens, and offsets by text; fewer tokens are one run, none are none."""
    counts = np.diff(found.offsets)
    runs = np.where(counts > 0, np.maximum(1, counts - size + 1), 0)
    offsets = np.concatenate([[0], np.cumsum(runs)])
    within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], runs)
    start = np.repeat(found.offsets[:-1], runs) + within
    end = np.repeat(found.offsets[1:], runs)
    hashes = np.zeros(len(start), np.uint64)
    for step in range(size):
        here = start + step
        inside = here < end
        hashes[inside] = mix(hashes[inside] * _FACTOR + found.hashes[here[inside]])
    return hashes, offsets


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
        (_WORD, rf"[^\W{_HAN_KANA}]+"),
        (_CHARACTER, rf"[{_HAN_KANA}]+"),
        (_SIGN, r"[-+*/=<>^%&|~#$@\\]+"),
    ):
        for found in re.finditer(pattern, alphabet):
            kinds[found.start() : found.end()] = kind
    return kinds
