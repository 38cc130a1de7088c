"""Does the sample tell anybody's personal data?"""

from __future__ import annotations

from collections import Counter

from entp.audit.checks.case import Case
from entp.audit.sample import Finding


def pii(case: Case) -> Finding:
    """Counts the personal data (`entp.pii`) in all turns; the model's inventions and the parents' alike.

    An invented number may be somebody's, and a real one is no less so for having been in the pool.
    """
    known = {datum for parent in case.parents for datum in parent.personal_data}
    found = Counter((type_, (type_, text) in known) for type_, text in case.new.personal_data)
    named = [f"{count} {type_} ({'a parent' if old else 'no parent'} has it)" for (type_, old), count in found.items()]
    detail = "it has " + ", ".join(sorted(named)) if named else ""
    return case.finding("pii", found.total(), not found, detail)
