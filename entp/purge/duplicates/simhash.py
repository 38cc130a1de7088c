"""SimHash: 64 bits per text, of which near-copies differ in few (Charikar 2002; Manku, Jain & Das Sarma 2007).

A cheap way to propose near-copies: nothing but eight bytes a sample is kept. It proposes; the caller verifies each
pair by its shingles. Short texts have few features, so that a single edit turns many bits: expect to miss those.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

import numpy as np

from entp.text.tokens import in_chunks, shingle_hashes, tokens

BITS = 64
#: Blocks that two fingerprints must share for being looked at; more make larger, but more selective tables.
SHARED_BLOCKS = 3
#: Features whose bits are spread out at a time.
_SPREAD = 1 << 18


def fingerprints(texts: Sequence[str], shingle_words: int) -> np.ndarray:
    """SimHash [n] (uint64) of the texts' runs of `shingle_words` words in lower case, weighed by how often they occur.

    A text without words has the digest of its characters, which is near to nothing but itself.
    """
    found = np.zeros(len(texts), np.uint64)
    for chunk in in_chunks(texts):
        lower = [text.lower() for text in texts[chunk]]
        words = tokens(lower)
        features, per_text = shingle_hashes(words, shingle_words)
        found[chunk] = simhash(features, np.concatenate([[0], np.cumsum(per_text)]))
        for position in np.flatnonzero(words.counts == 0):
            found[chunk.start + position] = _digest(lower[position])
    return found


def simhash(features: np.ndarray, offsets: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Fingerprints [n] of feature hashes [f] (uint64); those of sample i lie from `offsets[i]` to `offsets[i + 1]`.

    Bit b is set where the features that have it weigh more than those that have not (Charikar 2002, as Manku et al.
    2007, section 2, put it). `weights` [f] are 1 when absent; a sample without features has 0.
    """
    from scipy.sparse import csr_array

    heavy = np.ones(len(features)) if weights is None else weights.astype(np.float64)
    balance = np.zeros((len(offsets) - 1, BITS))
    for start in range(0, len(features), _SPREAD):
        signs = _bits(features[start : start + _SPREAD]) * 2.0 - 1.0
        own = np.clip(offsets - start, 0, len(signs))
        balance += csr_array((heavy[start : start + _SPREAD], np.arange(len(signs)), own)) @ signs
    return np.packbits(balance > 0, axis=1).view(">u8").astype(np.uint64).ravel()


def hamming_pairs(found: np.ndarray, distance: int) -> Iterator[np.ndarray]:
    """Every pair of rows whose fingerprints differ in at most `distance` bits, once, in pieces [m, 2] (smaller first).

    The bits are cut into `distance + SHARED_BLOCKS` blocks. Two fingerprints that differ in no more bits than that
    are equal in at least SHARED_BLOCKS blocks, so the tables sorted by every choice of that many blocks miss no pair
    (Manku et al. 2007, section 3). A piece holds no more pairs than there are rows, however many rows are alike.
    Raises ValueError where `distance` leaves less than a bit to a block.
    """
    if not 0 <= distance <= BITS - SHARED_BLOCKS:
        raise ValueError(f"distance {distance}: give 0 to {BITS - SHARED_BLOCKS} of {BITS} bits")
    blocks = _blocks(distance + SHARED_BLOCKS)
    for chosen in combinations(range(len(blocks)), SHARED_BLOCKS):
        # A pair is told of in the table of the first blocks in which it is equal.
        earlier = [blocks[number] for number in range(chosen[-1]) if number not in chosen]
        mask = np.bitwise_or.reduce([blocks[number] for number in chosen])
        for one, other in _equal_under(found, mask):
            differing = found[one] ^ found[other]
            told = np.bitwise_count(differing) <= distance
            for block in earlier:
                told &= (differing & block) != 0
            if told.any():
                yield np.sort(np.stack([one[told], other[told]], axis=1), axis=1)


def _equal_under(found: np.ndarray, mask: np.uint64) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows that are equal in the bits of `mask`: neighbours in the table sorted by them, then the next but one, ..."""
    order = np.argsort(found & mask, kind="stable")
    keys = (found & mask)[order]
    left = np.arange(len(order))
    for step in range(1, len(order)):
        left = left[left + step < len(order)]
        left = left[keys[left] == keys[left + step]]
        if not len(left):
            return
        yield order[left], order[left + step]


def _blocks(count: int) -> list[np.uint64]:
    """Masks that cut the bits into `count` blocks, as even as can be."""
    edges = [BITS * number // count for number in range(count + 1)]
    return [np.uint64((1 << end) - (1 << start)) for start, end in pairwise(edges)]


def _bits(hashes: np.ndarray) -> np.ndarray:
    """[f, 64], most significant first."""
    return np.unpackbits(hashes.astype(">u8").view(np.uint8).reshape(-1, 8), axis=1)


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
