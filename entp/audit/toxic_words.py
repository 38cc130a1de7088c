"""Vulgar words and slurs, English and Chinese: the word lists of `glin-profanity`, less what ordinary texts use.

Such lists take every body part, crime and rude-sounding bird for profanity: of 84 Alpaca rows that the list marks,
four hold a vulgar word. `ordinary_words.txt` names what we don't go by; the rest hardly ever has another sense. Words
are matched whole, so Scunthorpe and Dickens pass; disguised spellings ("f.u.c.k") are not looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources

from entp.text.words import words

LANGUAGES = ("english", "chinese")


def toxic_words(told: Sequence[str]) -> frozenset[str]:
    """The vulgar words and slurs among a text's words (`entp.text.words`).

    >>> toxic_words(["breast", "cancer", "in", "scunthorpe"])
    frozenset()
    """
    phrases = _phrases()
    found: set[str] = set()
    if phrases.keys().isdisjoint(told):
        return frozenset()
    for position, word in enumerate(told):
        for phrase in phrases.get(word, ()):
            if tuple(told[position : position + len(phrase)]) == phrase:
                found.add(" ".join(phrase))
    return frozenset(found)


def ordinary_words() -> list[str]:
    """The entries of the lists that we don't go by, as `ordinary_words.txt` has them below its comment."""
    text = resources.files("entp.audit").joinpath("ordinary_words.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


@cache
def _phrases() -> dict[str, tuple[tuple[str, ...], ...]]:
    """The listed words and phrases as tuples of words, by their first word."""
    from glin_profanity.data.dictionary import dictionary

    listed = {entry.lower() for language in LANGUAGES for entry in dictionary.get_words(language)}
    phrases: dict[str, tuple[tuple[str, ...], ...]] = {}
    for entry in sorted(listed.difference(ordinary_words())):
        phrase = tuple(words(entry))
        # An entry with signs in it ("$hit") is another word without them; a single Chinese character is no word.
        if "".join(phrase) == entry.replace(" ", "") and len(entry) > 1:
            phrases[phrase[0]] = (*phrases.get(phrase[0], ()), phrase)
    return phrases
