"""Which samples can have a near-duplicate at all: those with enough shingles that occur elsewhere too.

Two samples of similarity t share t of their shingles. Most samples have too many that occur nowhere else in the pool,
and are ruled out without looking at any pair. Exact: chance only lets a sample through that has no partner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import polars as pl

from entp.purge.duplicates.similarity import SIDES, Scope

#: Entries of the table of shared shingles, a byte each (128 MiB), addressed by a hash's leading bits.
TABLE_BITS = 27
#: Hashes sorted at a time (256 MiB): a larger pool's are sorted in several parts.
SORTED_AT_ONCE = 1 << 25

Chunks = Callable[[], Iterator[pl.DataFrame]]


def candidates(chunks: Chunks, scope: Scope, threshold: float) -> pl.DataFrame:
    """The rows of `hashed_shingles` that may have a partner of this similarity. `chunks` is read several times."""
    shared = _shared_table(chunks, SIDES[scope])
    kept = [chunk.filter(pl.Series(may_match(_sides(chunk, scope), threshold, shared))) for chunk in chunks()]
    return pl.concat(kept)


def may_match(
    sides: Sequence[tuple[np.ndarray, np.ndarray]], threshold: float, is_shared: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Whether enough of each sample's shingles are shared, on the whole and in the last side (the response)."""
    alone = [_per_sample(~is_shared(hashes), sizes) for hashes, sizes in sides]
    sizes = [size for _, size in sides]
    whole = sum(alone) < prefix_lengths(sum(sizes), threshold)  # type: ignore[arg-type]
    return whole & (alone[-1] < prefix_lengths(sizes[-1], threshold))


def prefix_lengths(sizes: np.ndarray, threshold: float) -> np.ndarray:
    """How many shingles of a set of this size must not all be missing from a set of similarity `threshold`.

    A partner has at least ceil(t n) of the n, so of any n - ceil(t n) + 1 it has one.
    """
    return sizes - np.ceil(threshold * sizes - 1e-9).astype(np.int64) + 1


def flat(lists: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """The hashes of a column of lists on end, and the lengths of the lists."""
    return lists.explode(empty_as_null=False).to_numpy(), lists.list.len().to_numpy().astype(np.int64)


def _sides(chunk: pl.DataFrame, scope: Scope) -> list[tuple[np.ndarray, np.ndarray]]:
    return [flat(chunk[side]) for side in SIDES[scope]]


def _per_sample(marks: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """How many of each sample's marks are set."""
    return np.bincount(np.repeat(np.arange(len(sizes)), sizes), weights=marks, minlength=len(sizes)).astype(np.int64)


def _shared_table(chunks: Chunks, sides: Sequence[str]) -> Callable[[np.ndarray], np.ndarray]:
    """Tells of hashes whether (another with the same leading bits, or) they occur in two samples or more."""
    table = np.zeros(1 << TABLE_BITS, dtype=np.bool_)
    shift = np.uint64(64 - TABLE_BITS)
    total = sum(int(chunk[side].list.len().sum()) for chunk in chunks() for side in sides)
    parts = max(1, -(-total // SORTED_AT_ONCE))
    for part in range(parts):
        hashes = np.concatenate([_of_part(flat(chunk[side])[0], part, parts) for chunk in chunks() for side in sides])
        hashes.sort()
        table[hashes[1:][hashes[1:] == hashes[:-1]] >> shift] = True
    return lambda hashes: table[hashes >> shift]


def _of_part(hashes: np.ndarray, part: int, parts: int) -> np.ndarray:
    """The hashes whose remainder names the part."""
    return hashes if parts == 1 else hashes[hashes % np.uint64(parts) == part]
