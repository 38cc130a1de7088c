"""Is the sample much like another new one?"""

from __future__ import annotations

from entp.audit.checks.case import Case
from entp.audit.sample import Finding


def near_duplicate(case: Case) -> Finding:
    """The similarity with an earlier new sample (`entp.audit.copies`), 0 where none is near; the first by id stays."""
    if case.pair_id not in case.context.copies:
        return case.finding("near_duplicate", 0.0, True)
    first, similarity = case.context.copies[case.pair_id]
    return case.finding("near_duplicate", similarity, False, f"it is much like the sample of pair {first}")
