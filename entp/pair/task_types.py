"""What kind of task an instruction sets, by the rules of `entp.pair.task_rules`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from entp.pair.task_rules import RULES, SMALL_TALK

#: A long text sets its task in its first sentences or in its last ones.
FIRST_SENTENCES, LAST_SENTENCES = 4, 2
FIRST_CHARACTERS, LAST_CHARACTERS = 1500, 500
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？；])|\n+")
#: What a request opens with before it comes to the point.
_COURTESY = re.compile(
    r"(?:please|kindly|now|then|also|and|so|ok(?:ay)?|let's|hey|hi|hello|try to|help me(?: to)?|your (?:task|job) is to"
    r"|(?:can|could|would|will) you(?: please| kindly)?(?: help me(?: to)?)?"
    r"|(?:i|we) (?:want|need|would like|'d like) (?:you )?to|you (?:have|need|are (?:asked|required)) to"
    r"|you (?:must|should|will)|automatically|briefly)\b[,:]?\s*",
    re.IGNORECASE,
)
#: Lead-ins end with a comma ("Given the text below, ...") or just before the verb ("Read the text and ...").
_LEAD_IN = re.compile(
    r"(?:given|based on|using|use|for|in|on|from|with|by|as|considering|according to|after|imagine|suppose|read|take"
    r"|look|consider|think|if|when|to|pretend|you(?:'re| are)|input)\b",
    re.IGNORECASE,
)
_LEAD_IN_END = re.compile(r"[,:]\s+(?:and )?|\b(?:and|to)\s+", re.IGNORECASE)
LEAD_INS = 4


def task_type(instruction: str, turns: int = 1) -> str:
    """One of `records.TASK_TYPES` for what the last user turn says; `turns` counts the user's turns.

    >>> task_type("Given the text below, write a short summary of it."), task_type("把下面的句子翻译成英文")
    ('summarisation', 'translation')
    """
    text = _ends(instruction.strip().replace("’", "'"))
    for rule in RULES:
        if rule.knows_text(text):
            return rule.task_type
    for sentence in _telling_sentences(text):
        clauses = list(_clauses(sentence))
        for rule in RULES:
            if rule.knows_chinese(sentence) or any(rule.knows_opening(clause) for clause in clauses):
                return rule.task_type
    talks = turns > 1 or SMALL_TALK.knows_opening(text) or SMALL_TALK.knows_chinese(text)
    return "conversation" if talks else "other"


def _ends(text: str) -> str:
    """The text, of a long one its beginning and its end."""
    if len(text) <= FIRST_CHARACTERS + LAST_CHARACTERS:
        return text
    return f"{text[:FIRST_CHARACTERS]}\n{text[-LAST_CHARACTERS:]}"


def _telling_sentences(text: str) -> list[str]:
    parts = (part.strip(" \t\"'“”‘’-*#") for part in _SENTENCE_END.split(text))
    sentences = [part for part in parts if part]
    if len(sentences) <= FIRST_SENTENCES + LAST_SENTENCES:
        return sentences
    return sentences[:FIRST_SENTENCES] + sentences[-LAST_SENTENCES:]


def _clauses(sentence: str) -> Iterator[str]:
    """The sentence without courtesies and, where it opens with a lead-in, what may follow that."""
    while found := _COURTESY.match(sentence):
        sentence = sentence[found.end() :]
    yield sentence
    if _LEAD_IN.match(sentence):
        for found in list(_LEAD_IN_END.finditer(sentence))[:LEAD_INS]:
            yield sentence[found.end() :]
