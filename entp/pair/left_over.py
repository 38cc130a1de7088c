"""Why a low-quality sample has no partner: every one is in a pair, or in the table `left_over` with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from entp.pair.candidates import Candidates, Edge


def left_over(candidates: Candidates, pairs: Iterable[Edge]) -> Mapping[int, str]:
    """Reason (one of LEFT_OVER_REASONS) of every row in no pair, by row number."""
    paired = {row for edge in pairs for row in (edge.first, edge.second)}
    counts = zip(
        candidates.possible.tolist(), candidates.too_different.tolist(), candidates.too_similar.tolist(), strict=True
    )
    return {row: reason(*found) for row, found in enumerate(counts) if row not in paired}


def reason(possible: int, too_different: int, too_similar: int) -> str:
    """Why a sample with so many neighbours of each kind was left over.

    >>> reason(3, 0, 7), reason(0, 6, 4), reason(0, 4, 6), reason(0, 0, 0)
    ('partner_taken', 'too_different', 'too_similar', 'alone_in_group')
    """
    if possible:
        return "partner_taken"
    if not too_different + too_similar:
        return "alone_in_group"
    return "too_similar" if too_similar > too_different else "too_different"
