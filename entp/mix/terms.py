"""The terms of the symbolic loss: each looks at one thing in a text, and says 0 (right) to 1 (entirely wrong).

A finding also names the offending words, for the next prompt and for the reader of a trace. An empty text is
wrong under `unreadable` and `missing`, and passes the others.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from entp.language import UNKNOWN, detect_language
from entp.mix.key_terms import missing_terms
from entp.mix.templates import LEAK_WORDS, template_runs
from entp.mix.words import jaccard, ngrams, words


class Finding(NamedTuple):
    """`value` is 0..1."""

    value: float
    offending: list[str]


FINE = Finding(0.0, [])

#: Fewest key terms of each parent, as a share, that show that its intent is still there.
INTENT_SHARE = 1 / 3
#: Up to here a text may resemble one of its sources (Jaccard of word 3-grams): two parents side by side are near 0.5.
RESEMBLANCE = 0.6
#: Fewer runs of a template's words may be chance.
LEAK_RUNS = 2
#: Up to this share of repeated word 4-grams is ordinary (parallel sentences, lists).
ORDINARY_REPETITION = 0.15
#: Less certain guesses of a language are no evidence.
LANGUAGE_CERTAINTY = 0.5

_LEAKS = re.compile(
    r"</?(?:task|note|instruction|answer|draft)(?:_\d)?>|\b(?:task|instruction|note|prompt)[ _]?[12ab]\b"
    r"|\b(?:task|instruction|note|prompt) (?:one|two)\b|<\|[a-z_]+\|>|</?s>|\[/?INST\]"
    r"|^\s*(?:user|assistant|human|system)\s*:|\b(?:new|merged|combined) (?:instruction|task|prompt)\b"
    r"|\bas an? (?:ai|artificial intelligence)\b|<noinput>|```json|\{\"(?:instruction|response)\""
    r"|作为一个?(?:AI|人工智能)|新指令|任务[一二12]",
    re.IGNORECASE | re.MULTILINE,
)
_REFERENCES = re.compile(
    r"\b(?:the|this|these) (?:following|given|attached|provided|above|below|supplied)\b"
    r"|\b(?:attached|provided|given|listed|shown|mentioned) (?:above|below|here)\b|\b(?:see|use|read) (?:above|below)\b"
    r"|\b(?:the|this) (?:passage|paragraph|excerpt|image|picture|photo|attachment|link|table below|article below)\b"
    r"|\b(?:both|two|these) (?:tasks|instructions|questions|prompts)\b"
    r"|以下|上述|上文|下文|附件|如图|下图|上图|所给|给定的",
    re.IGNORECASE,
)
_MATERIAL = re.compile(r"[\"“「『][^\"”」』]{8,}[\"”」』]|```|https?://|[:：]\s*\S[\s\S]{7,}")
_UNFINISHED = re.compile(
    r"(?:[,;:，；：、(（\[{]|\b(?:and|or|but|the|a|an|of|to|in|for|with|by|as|is|are|that|which|such as))\s*$", re.I
)


def unreadable(text: str) -> Finding:
    """No text at all: the reply was refused, empty, or did not parse.

    Trips:  ""
    Passes: "Name three fruits."
    """
    return FINE if words(text) else Finding(1.0, [])


def unfinished(text: str, truncated: bool) -> Finding:
    """The reply hit its token limit, or breaks off in mid-sentence.

    Trips:  "The causes are the war and the"
    Passes: "Paris"
    """
    broken = _UNFINISHED.search(text)
    if broken:
        return Finding(1.0, [broken.group().strip()])
    return Finding(1.0, []) if truncated else FINE


def wrong_language(text: str, languages: Collection[str]) -> Finding:
    """The text is clearly in a language that neither parent has.

    Trips:  "Donnez-moi trois conseils pour rester en bonne santé." for English parents
    Passes: "Give me three tips for staying healthy." for English parents
    """
    known = {language for language in languages if language != UNKNOWN}
    language, certainty = detect_language(text)
    if not known or language in known or language == UNKNOWN or certainty < LANGUAGE_CERTAINTY:
        return FINE
    return Finding(1.0, [language])


def leakage(text: str, sources: Sequence[str] = ()) -> Finding:
    """Scraps of the prompt, role markers, or a model speaking of itself.

    A run of words from a template is a scrap unless one of the `sources` (the parents) has it too.

    Trips:  "Task 1: name three fruits."
    Passes: "Name three fruits and one task they help with."
    """
    found = [match.group().strip() for match in _LEAKS.finditer(text)]
    own = {run for source in sources for run in ngrams(words(source), LEAK_WORDS)}
    scraps = [" ".join(run) for run in ngrams(words(text), LEAK_WORDS) if run in template_runs() and run not in own]
    if len(scraps) >= LEAK_RUNS:
        found += scraps
    return Finding(1.0, sorted(set(found))) if found else FINE


def absent_reference(text: str) -> Finding:
    """The instruction leans on a text, picture or task that it does not hold.

    Trips:  "Summarise the following article."
    Passes: "Summarise the following article: The town hall burned down on Monday."
    """
    found = [match.group() for match in _REFERENCES.finditer(text)]
    if not found or _MATERIAL.search(text):
        return FINE
    return Finding(1.0, sorted(set(found)))


def missing(text: str, wanted: Sequence[str], enough: float) -> Finding:
    """The share of key terms the text does not take up, beyond what need not be there (`enough` = 1: all must).

    Trips:  "Describe a beach." for the terms ["fruit", "vitamins"]
    Passes: "Which vitamins does a fruit hold?" for the same
    """
    absent = missing_terms(wanted, text)
    share = 1 - len(absent) / len(wanted) if wanted else 1.0
    if share >= enough:
        return FINE
    return Finding(1 - share / enough, absent)


def one_sided(text: str, topics: Sequence[Sequence[str]]) -> Finding:
    """One parent's intent is missing: less than a third of its key terms are there.

    Trips:  "Name three fruits." for the topics ["fruits"] and ["beach"]
    Passes: "Name three fruits to eat on a beach." for the same
    """
    worst = FINE
    for topic in topics:
        finding = missing(text, topic, enough=INTENT_SHARE)
        worst = max(worst, finding, key=lambda found: found.value)
    return worst


def copied(text: str, sources: Sequence[str]) -> Finding:
    """The text repeats one of its sources instead of making something new of them.

    Trips:  "Name three fruits." from the source "Name three fruits."
    Passes: "Name three fruits, then describe a beach." from the same
    """
    resemblance = max((jaccard(text, source) for source in sources), default=0.0)
    return Finding(max(0.0, (resemblance - RESEMBLANCE) / (1 - RESEMBLANCE)), [])


def repetition(text: str) -> Finding:
    """The text goes round in circles: repeated word 4-grams, beyond an ordinary share.

    Trips:  "It is red. It is red. It is red. It is red. It is red."
    Passes: "It is red when it is ripe, and green before that."
    """
    runs = ngrams(words(text), 4)
    if not runs:
        return FINE
    repeated = 1 - len(set(runs)) / len(runs)
    return Finding(max(0.0, (repeated - ORDINARY_REPETITION) / (1 - ORDINARY_REPETITION)), [])


def length_outside(text: str, shortest: int, longest: int) -> Finding:
    """How far the number of words lies outside its range, as a share of the nearer end.

    Trips:  "Yes." for a range of 4 to 40 words
    Passes: "Name three fruits and three trees." for the same
    """
    count = len(words(text))
    if count < shortest:
        return Finding(1 - count / shortest, [f"{count} words"])
    if count > longest:
        return Finding(1 - longest / count, [f"{count} words"])
    return FINE


def doubt(yes: float) -> Finding:
    """How far a judge leans to no; a judge surer of yes than of no costs nothing.

    >>> doubt(0.8).value, doubt(0.25).value
    (0.0, 0.5)
    """
    return Finding(max(0.0, 1 - 2 * yes), [])
