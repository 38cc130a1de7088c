"""Near-duplicates among the new samples: exact, without sketches, since a pair alike must share a rare shingle.

Of two sets with Jaccard similarity t or more, ordered by how rare their shingles are, the first 1 - t (and one more) of
each have one in common (prefix filtering, Chaudhuri et al. 2006). Only those are indexed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from entp.audit.reading import Reading
from entp.audit.sample import NewSample
from entp.purge.duplicates import Shingles, similarity


def find_copies(samples: Sequence[NewSample], threshold: float) -> dict[str, tuple[str, float]]:
    """For each sample whose `similarity` (as purge defines it) to an earlier one is `threshold` or more: that one's id.

    Samples go by id, and each is compared with those that are no copies themselves; so the first always stays, and
    there are no chains of ever less similar samples.
    """
    ordered = sorted(samples, key=lambda sample: sample.pair_id)

    @lru_cache(maxsize=10_000)
    def shingles_of(row: int) -> tuple[Shingles, Shingles]:
        return Reading(ordered[row].messages).shingles

    copies: dict[str, tuple[str, float]] = {}
    kept: dict[int, list[int]] = {}
    for row, rare in enumerate(_rare_shingles([_hashes(shingles_of(row)) for row in range(len(ordered))], threshold)):
        candidates = sorted({other for shingle in rare for other in kept.get(shingle, ())})
        scored = [(similarity(shingles_of(row), shingles_of(other)), -other) for other in candidates]
        best, first = max(scored, default=(0.0, 0))
        if scored and best >= threshold:
            copies[ordered[row].pair_id] = (ordered[-first].pair_id, best)
            continue
        for shingle in rare:
            kept.setdefault(shingle, []).append(row)
    return copies


def _hashes(shingles: tuple[Shingles, Shingles]) -> np.ndarray:
    """Prompt and response shingles as numbers; one of the prompt never equals one of the response."""
    prompt, response = shingles
    return np.array([hash(("P", one)) for one in prompt] + [hash(("R", one)) for one in response], dtype=np.int64)


def _rare_shingles(sets: Sequence[np.ndarray], threshold: float) -> list[list[int]]:
    """The prefix of each set that has to meet another's, without shingles that no other set has."""
    known, counts = np.unique(np.concatenate(sets), return_counts=True)
    prefixes = []
    for shingles in sets:
        frequency = counts[np.searchsorted(known, shingles)]
        order = np.lexsort((shingles, frequency))[: len(shingles) - math.ceil(threshold * len(shingles) - 1e-9) + 1]
        prefixes.append([int(shingles[place]) for place in order if frequency[place] > 1])
    return prefixes
