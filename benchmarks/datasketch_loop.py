"""Near-duplicates as one writes them with datasketch: MinHash, LSH, every candidate verified, connected components.

The reference that our own join is held against, for what it finds and for the time it takes.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from entp.purge.duplicates.shingles import Shingles, shingles
from entp.purge.duplicates.similarity import similarity

SHINGLE_WORDS, PERMUTATIONS = 5, 128


def similar_pairs(texts: Sequence[tuple[str, str]], threshold: float) -> set[tuple[int, int]]:
    """Pairs of (prompt, response) texts, by their places, that LSH proposes and `similarity` confirms."""
    from datasketch import MinHash, MinHashLSH

    sets = [(shingles(prompt, SHINGLE_WORDS), shingles(response, SHINGLE_WORDS)) for prompt, response in texts]
    index = MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS)
    empty = MinHash(num_perm=PERMUTATIONS, hashfunc=zlib.crc32)
    pairs = set()
    for place, sides in enumerate(sets):
        sketch = empty.copy()
        sketch.update_batch(_as_bytes(sides))
        for other in index.query(sketch):
            if similarity(sides, sets[other]) >= threshold:
                pairs.add((other, place))
        index.insert(place, sketch)
    return pairs


def clusters(count: int, pairs: set[tuple[int, int]]) -> set[frozenset[int]]:
    """The connected components of two and more."""
    parents = list(range(count))

    def root(place: int) -> int:
        while parents[place] != place:
            parents[place] = place = parents[parents[place]]
        return place

    for one, other in pairs:
        parents[root(other)] = root(one)
    members: dict[int, set[int]] = {}
    for place in {place for pair in pairs for place in pair}:
        members.setdefault(root(place), set()).add(place)
    return {frozenset(group) for group in members.values()}


def _as_bytes(sides: tuple[Shingles, Shingles]) -> list[bytes]:
    tagged = zip((b"P", b"R"), sides, strict=True)
    return [tag + shingle.encode("utf-8", "surrogatepass") for tag, side in tagged for shingle in side]
