"""The checks, in reading order: what a sample says, where it comes from, whether it is new, whether it is good.

A new check is one module with one function (a `Case` in, a `Finding` out), and one row here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from entp.audit.checks.case import Case
from entp.audit.checks.contamination import contamination
from entp.audit.checks.language import language
from entp.audit.checks.near_duplicate import near_duplicate
from entp.audit.checks.near_duplicate_of_parent import near_duplicate_of_parent
from entp.audit.checks.pii import pii
from entp.audit.checks.re_rating import re_rating
from entp.audit.checks.toxicity import toxicity
from entp.audit.sample import Finding


class Check(NamedTuple):
    """`remedy` is what to do where many samples fail."""

    run: Callable[[Case], Finding]
    remedy: str


CHECKS: dict[str, Check] = {
    "toxicity": Check(toxicity, "take another llm.model"),
    "pii": Check(pii, "remove personal data from the pool, or take another llm.model"),
    "language": Check(language, "take an llm.model that writes the pool's languages"),
    "contamination": Check(contamination, "remove rows that hold evaluation items from the pool"),
    "near_duplicate_of_parent": Check(near_duplicate_of_parent, "raise loss.copies_parent, or take another llm.model"),
    "near_duplicate": Check(near_duplicate, "raise mix.temperature, or take another llm.model"),
    "re_rating": Check(re_rating, "take another llm.model, or another mix.rater"),
}
