"""Directives: whether a text asks for something, as an instruction does (English and Chinese)."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from entp.text.word_forms import without_clitics
from entp.text.words import HAN, REQUEST_WORDS, STOP_WORDS, tagged, words

#: What may stand before a verb of asking, beside adverbs in -ly ("briefly describe", "re-write").
LEADING_WORDS = frozenset(
    ["also", "and", "finally", "first", "lastly", "next", "now", "please", "re", "second", "then", "third"]
)
#: What is quoted is somebody else's question.
_QUOTED = re.compile(r"[\"“「『][^\"“”「」『』]*[\"”」』]")
_QUESTION = re.compile(
    r"[?？]|请|[吗呢](?:\W|\Z)|什么|如何|怎么|怎样|哪|多少"
    r"|(?:\A|[.!;:\n])[^\w.!;:\n]*(?:(?:first|then|next|also|and|finally)\b[^\w.!;:\n]*)?"
    r"(?:what|which|who|where|why|how|can|could|would|when (?:to|do|does|did|is|are|was|were|should|will))\b"
    r"|\b(?:I (?:need|want|would like)|you are (?:given|asked|required)|your (?:task|job) is)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.!?;:\n]+")
_CHINESE_SENTENCE = re.compile(
    r"(?:\A|[。！？；：\n])[^\w。！？；：\n]*(?:(?:首先|其次|然后|接着|最后|同时|并且|并|再)[^\w。！？；：\n]*)*"
    rf"([{HAN}]{{1,12}})"
)


def asks(text: str, openings: Collection[str] = ()) -> bool:
    """Whether the text holds a question, or a clause that begins with a verb of asking or one of `openings`.

    A Chinese sentence asks where it begins with a verb, or a word that only requests begin with.

    >>> asks("First, briefly describe a cat."), asks("A cat is a pet."), asks("介绍猫。"), asks("猫是宠物。")
    (True, False, True, False)
    """
    text = _QUOTED.sub(" ", text)
    if _QUESTION.search(text):
        return True
    firsts = {first for sentence in _SENTENCE.split(text) for first in _first_words(sentence)}
    return bool(firsts & REQUEST_WORDS or firsts & set(openings)) or _asks_in_chinese(text)


def openings(texts: Sequence[str]) -> frozenset[str]:
    """First words of instructions that are verbs of their own, such as "fabricate"."""
    return frozenset(first for text in texts for first in _first_words(text)[:1]) - STOP_WORDS


def _first_words(sentence: str) -> list[str]:
    """First words of a sentence's clauses, without what may stand before a verb of asking.

    After a comma a clause needs two words, and no "and": what goes on or stands in a list begins nothing.
    """
    clauses = [words(clause) for clause in sentence.split(",")]
    begun = [clause for place, clause in enumerate(clauses) if place == 0 or (len(clause) > 1 and clause[0] != "and")]
    rests = [[word for word in clause if word not in LEADING_WORDS and not word.endswith("ly")] for clause in begun]
    return [without_clitics(rest[0]) for rest in rests if rest]


def _asks_in_chinese(text: str) -> bool:
    for match in _CHINESE_SENTENCE.finditer(text):
        word, kind = tagged(match.group(1))[0]
        if kind.startswith("v") or word in REQUEST_WORDS:
            return True
    return False
