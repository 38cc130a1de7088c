"""How varied a set of texts is: different word n-grams, and how far embeddings lie apart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np

from entp.text.words import words

#: More words tell no more, and cost memory.
MAX_WORDS = 200_000


def distinct_ngrams(texts: Sequence[str], others: Sequence[str], lengths: Sequence[int]) -> list[tuple[float, float]]:
    """Different n-grams as a share of all (distinct-n, Li et al. 2016), of the texts and of the others, by length.

    The share falls as a set grows, so both are taken over equally many words: as many as the smaller set has (at most
    MAX_WORDS), of texts in the order of their digests, which is as good as drawn and depends on nothing else.
    """
    mine, theirs = _in_digest_order(texts), _in_digest_order(others)
    count = min(MAX_WORDS, _words_in(mine), _words_in(theirs))
    return [(_distinct(mine, count, length), _distinct(theirs, count, length)) for length in lengths]


def mean_distance(vectors: np.ndarray) -> float:
    """Mean cosine distance over all pairs of unit vectors; 0 for fewer than two.

    The sum over pairs is that of the mean vector: with n vectors and mean m, the mean similarity of two different
    ones is (n |m|^2 - 1) / (n - 1).
    """
    count = len(vectors)
    if count < 2:
        return 0.0
    mean = vectors.mean(axis=0, dtype=np.float64)
    return float(1 - (count * (mean @ mean) - 1) / (count - 1))


def _in_digest_order(texts: Iterable[str]) -> list[list[str]]:
    ordered = sorted(texts, key=lambda text: hashlib.blake2b(text.encode("utf-8", "surrogatepass")).digest())
    told: list[list[str]] = []
    count = 0
    for text in ordered:
        if count >= MAX_WORDS:
            break
        told.append(words(text))
        count += len(told[-1])
    return told


def _words_in(told: Iterable[Sequence[str]]) -> int:
    return sum(len(text) for text in told)


def _distinct(told: Sequence[Sequence[str]], count: int, length: int) -> float:
    """Different n-grams as a share of all, in the first `count` words; no n-gram reaches from one text into another."""
    seen: set[tuple[str, ...]] = set()
    total = 0
    for text in told:
        taken = text[:count]
        count -= len(taken)
        runs = list(zip(*(islice(taken, start, None) for start in range(length)), strict=False))
        seen.update(runs)
        total += len(runs)
    return len(seen) / total if total else 0.0
