"""Does the sample give away an evaluation item?"""

from __future__ import annotations

from entp.audit.checks.case import Case
from entp.audit.sample import Finding


def contamination(case: Case) -> Finding:
    """The largest share (0..1) of an evaluation item (`entp.contamination`) that prompt or response holds, 0 for none.

    An item shorter than a run is looked for as a whole prompt only.
    """
    index, new = case.context.benchmarks, case.new
    found = [index.find_runs(new.prompt_words), index.find_runs(new.response_words), index.find_whole(new.prompt_words)]
    leaks = [leak for leak in found if leak is not None]
    if not leaks:
        return case.finding("contamination", 0.0, True)
    worst = max(leaks, key=lambda leak: leak.share)
    detail = f"it holds {worst.share:.0%} of {worst.benchmark} row {worst.row}, {worst.stretch} words on end"
    return case.finding("contamination", worst.share, False, detail)
