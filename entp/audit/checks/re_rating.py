"""What does the rater say that did not accept the sample?"""

from __future__ import annotations

from entp.audit.checks.case import Case
from entp.audit.sample import Finding


def re_rating(case: Case) -> Finding:
    """How far the second rater's number lies above (or below, negative) the worse parent's, in that rater's own unit.

    The sample passes down to the standard deviation by which two parents differ: a rater tells samples that are equally
    good apart by as much. Null where a number is missing; then nothing is held against the sample.
    """
    opinion = case.context.ratings.get(case.pair_id)
    numbers = opinion.numbers if opinion else None
    if numbers is None:
        return case.finding("re_rating", None, True)
    difference = numbers[0] - min(numbers[1])
    margin = case.context.margin
    passed = margin is None or difference >= -margin
    detail = "" if passed else f"a second rater puts it {-difference:.2f} below its worse parent"
    return case.finding("re_rating", difference, passed, detail)
