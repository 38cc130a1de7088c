"""How similar two samples are, from their shingles: one definition, for a pair of texts and for a million pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from entp.purge.duplicates.shingles import Shingles

#: What is compared: the whole sample, or one side of it.
Scope = Literal["both", "prompt", "response"]
SIDES: dict[Scope, tuple[str, ...]] = {"both": ("prompt", "response"), "prompt": ("prompt",), "response": ("response",)}
#: Pairs compared at a time: bounds memory.
BLOCK = 100_000


def similarity(one: tuple[Shingles, Shingles], other: tuple[Shingles, Shingles]) -> float:
    """Jaccard of two (prompt, response) shingle pairs: of the whole, or of the responses where that is lower.

    The second half keeps apart two questions about the same long passage, whose prompts are nearly equal. A response
    of a single shingle ("Paris", "negative") is evidence of nothing: then the prompts have to be the same in all.
    """
    common = [len(mine & theirs) for mine, theirs in zip(one, other, strict=True)]
    joined = [len(mine | theirs) for mine, theirs in zip(one, other, strict=True)]
    if len(one[1]) == 1 and one[0] != other[0]:
        return 0.0
    return min(sum(common) / sum(joined), common[1] / joined[1])


def jaccard(mine: Shingles, theirs: Shingles) -> float:
    """Shared over joined shingles (0..1)."""
    return len(mine & theirs) / len(mine | theirs)


@dataclass(frozen=True)
class ShingleSets:
    """Samples as sets of numbered shingles: for each side a 0/1 matrix (samples x shingles), and the sets' sizes."""

    scope: Scope
    matrices: tuple[Any, ...]
    sizes: tuple[np.ndarray, ...]

    def __len__(self) -> int:
        return len(self.sizes[0])


def shingle_sets(scope: Scope, sides: Sequence[tuple[np.ndarray, np.ndarray]], shingles: int) -> ShingleSets:
    """`sides`: for each side of the scope the numbers (0..shingles) of all samples' shingles, and the sets' sizes."""
    from scipy.sparse import csr_array

    matrices = []
    for numbers, sizes in sides:
        pointers = np.concatenate([[0], np.cumsum(sizes)])
        matrix = csr_array((np.ones(len(numbers), np.int32), numbers, pointers), shape=(len(sizes), shingles))
        matrix.sort_indices()
        matrices.append(matrix)
    return ShingleSets(scope, tuple(matrices), tuple(sizes for _, sizes in sides))


def similarities(sets: ShingleSets, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """`similarity` (scope `both`), or `jaccard` of the one side, of samples `left[i]` and `right[i]`."""
    blocks = [
        _compared(sets, left[start : start + BLOCK], right[start : start + BLOCK])
        for start in range(0, len(left), BLOCK)
    ]
    return np.concatenate([np.zeros(0), *blocks])


def _compared(sets: ShingleSets, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    common = [np.asarray(matrix[left].multiply(matrix[right]).sum(axis=1)).ravel() for matrix in sets.matrices]
    total = [sizes[left] + sizes[right] for sizes in sets.sizes]
    if sets.scope != "both":
        return common[0] / (total[0] - common[0])
    (prompts, responses), (all_prompts, all_responses) = common, total
    found = np.minimum(
        (prompts + responses) / (all_prompts + all_responses - prompts - responses),
        responses / (all_responses - responses),
    )
    same_prompt = prompts * 2 == all_prompts
    single = sets.sizes[1][left] == 1
    return np.where(single & ~same_prompt, 0.0, found)
