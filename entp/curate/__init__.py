"""Curate: correct the raters' scores by what near samples scored, and split the pool into tiers.

The two halves work on plain arrays and can be used on their own:
`estimate_transition_matrix` learns how the rater errs, `curate_scores` repairs its scores.
"""

from __future__ import annotations

from entp.curate.transition import (
    TransitionEstimate,
    estimate_by_source,
    estimate_jointly,
    estimate_transition_matrix,
)
from entp.curate.vote import CuratedScores, curate_by_vote, curate_scores

__all__ = [
    "CuratedScores",
    "TransitionEstimate",
    "curate_by_vote",
    "curate_scores",
    "estimate_by_source",
    "estimate_jointly",
    "estimate_transition_matrix",
]
