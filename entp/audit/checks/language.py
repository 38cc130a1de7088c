"""Is the sample in its parents' language?"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from entp.audit.checks.case import Case
from entp.audit.sample import Finding
from entp.purge.text import concerns_translation
from entp.text.language import UNKNOWN, detect_language

#: Less certain guesses are no evidence; nor are guesses on a text with fewer letters: names, code, lists (our choice,
#: by reading what trips on English rows).
CERTAINTY = 0.8
MIN_LETTERS = 30


def language(case: Case) -> Finding:
    """Counts prompt and response that are clearly in a language that no parent is in; translations are exempt."""
    told = _clear_languages([case.new.prompt, case.new.response])
    foreign = [code for code in told if code not in case.languages]
    if foreign:
        foreign = [code for code in foreign if code not in _languages_of_parents(case)]
    if not foreign or _asks_for_translation(case.new.prompt):
        return case.finding("language", 0, True)
    return case.finding("language", len(foreign), False, f"it is in {', '.join(sorted(set(foreign)))}, no parent is")


def _languages_of_parents(case: Case) -> frozenset[str]:
    """Every language that a text of a parent may be in; all of the sample's own where none is clear."""
    texts = [text for parent in case.parents for text in (parent.prompt, parent.response)]
    if not case.languages and not _clear_languages(texts):
        return frozenset(_clear_languages([case.new.prompt, case.new.response]))
    return case.languages | {detect_language(text)[0] for text in texts}


def _clear_languages(texts: Iterable[str]) -> list[str]:
    """The languages of those texts that leave no doubt."""
    found = []
    for text in texts:
        code, certainty = detect_language(text)
        if code != UNKNOWN and certainty >= CERTAINTY and (code == "zh" or _letters(text) >= MIN_LETTERS):
            found.append(code)
    return found


def _letters(text: str) -> int:
    return sum(character.isalpha() for character in text[: 4 * MIN_LETTERS])


def _asks_for_translation(prompt: str) -> bool:
    return bool(pl.select(concerns_translation(pl.lit(prompt))).item())
