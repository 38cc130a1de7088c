"""Has the model brought in a vulgar word or a slur?"""

from __future__ import annotations

from entp.audit.checks.case import Case
from entp.audit.sample import Finding


def toxicity(case: Case) -> Finding:
    """Counts the toxic words (`entp.audit.toxic_words`) that no parent has.

    What the parents say is the pool's to answer for ("Censor this sentence: ..."), and a measure of the set counts it.
    """
    known = {word for parent in case.parents for word in parent.toxic_words}
    added = sorted(case.new.toxic_words - known)
    detail = "it has " + ", ".join(_masked(word) for word in added) if added else ""
    return case.finding("toxicity", len(added), not added, detail)


def _masked(word: str) -> str:
    return word[0] + "*" * (len(word) - 1)
