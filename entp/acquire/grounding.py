"""Whether a passage supports an answer, told by words alone: no model that wrote one can wave it through.

Our choice: every number of an answer, and half of its terms, must stand in the passage or its document's title.
"""

from __future__ import annotations

import re

from entp.acquire.passages import Passage
from entp.text.key_terms import content_terms, missing_terms

#: Share of an answer's terms that may be its own: a rephrasing in simpler words has many.
OWN_TERMS = 0.5
#: Numbers of one digit are how lists are counted.
_NUMBER = re.compile(r"\d(?:[\d.,:/]*\d)+")
#: Marks that numbers are written with here and without there.
_GROUPING = re.compile(r"(?<=\d),(?=\d{3}\b)")


def ungrounded(answer: str, passage: Passage) -> str:
    """What is in an answer that the passage does not support, in words; empty where nothing is.

    The question is no support: the same writer made it up.
    A short answer ("Yes.") that has no terms is supported.
    """
    known = f"{passage.document.title or ''}\n{passage.text}"
    if invented := sorted(_numbers(answer) - _numbers(known)):
        return f"numbers that the passage does not hold: {', '.join(invented[:5])}"
    terms = list(dict.fromkeys(content_terms(answer, passage.language)))
    absent = missing_terms(terms, known, passage.language)
    if len(absent) > OWN_TERMS * len(terms):
        return f"{len(absent)} of {len(terms)} terms are not the passage's: {', '.join(absent[:5])}"
    return ""


def _numbers(text: str) -> set[str]:
    return set(_NUMBER.findall(_GROUPING.sub("", text)))
