"""SimHash: 64 bits per text, of which near-copies differ in few (Charikar 2002; Manku, Jain & Das Sarma 2007).

A cheap way to propose near-copies: nothing but eight bytes a sample is kept. It proposes; the caller verifies each
pair by its shingles. Short texts have few features, so that a single edit turns many bits: expect to miss those.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np

from entp.purge.duplicates_more.tokens import distinct, in_chunks, shingle_hashes, tokens

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
        features, offsets = shingle_hashes(tokens(lower), shingle_words)
        found[chunk] = simhash(features, offsets)
        for position in np.flatnonzero(np.diff(offsets) == 0):
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


def hamming_pairs(found: np.ndarray, distance: int) -> np.ndarray:
    """All pairs [m, 2] of rows (smaller first, sorted) whose fingerprints differ in at most `distance` bits.

    The bits are cut into `distance + SHARED_BLOCKS` blocks. Two fingerprints that differ in no more bits than that
    are equal in at least SHARED_BLOCKS blocks, so the tables sorted by every choice of that many blocks miss no pair
    (Manku et al. 2007, section 3). Raises ValueError where `distance` leaves less than a bit to a block.
    """
    if not 0 <= distance <= BITS - SHARED_BLOCKS:
        raise ValueError(f"distance {distance}: give 0 to {BITS - SHARED_BLOCKS} of {BITS} bits")
    choices = combinations(_blocks(distance + SHARED_BLOCKS), SHARED_BLOCKS)
    codes = [_equal_under(found, np.bitwise_or.reduce(chosen), distance) for chosen in choices]
    return np.stack(np.divmod(distinct(np.concatenate(codes)), max(1, len(found))), axis=1)


def _equal_under(found: np.ndarray, mask: np.uint64, distance: int) -> np.ndarray:
    """Pairs within `distance` among those equal in the bits of `mask`, close to each other in the table sorted by them.

    A pair of rows (a, b) is the number a * n + b.
    """
    keys = found & mask
    order = np.argsort(keys, kind="stable")
    keys, sorted_found = keys[order], found[order]
    pairs = [np.empty(0, np.int64)]
    left = np.arange(len(order))
    step = 1
    while len(left := left[left + step < len(order)]):
        left = left[keys[left] == keys[left + step]]
        close = left[np.bitwise_count(sorted_found[left] ^ sorted_found[left + step]) <= distance]
        one, other = order[close], order[close + step]
        pairs.append(np.minimum(one, other) * len(found) + np.maximum(one, other))
        step += 1
    return np.concatenate(pairs)


def _blocks(count: int) -> list[np.uint64]:
    """Masks that cut the bits into `count` blocks, as even as can be."""
    edges = [BITS * number // count for number in range(count + 1)]
    return [np.uint64((1 << end) - (1 << start)) for start, end in pairwise(edges)]


def _bits(hashes: np.ndarray) -> np.ndarray:
    """[f, 64], most significant first."""
    return np.unpackbits(hashes.astype(">u8").view(np.uint8).reshape(-1, 8), axis=1)


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
