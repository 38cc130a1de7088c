"""The terms of the symbolic loss: each looks at one thing in a text, and says 0 (right) to 1 (entirely wrong).

A finding also names the offending words, for the next prompt and for the reader of a trace. An empty text is
wrong under `unreadable` and `missing`, and passes the others.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence, Set
from pathlib import Path
from typing import NamedTuple

from entp.language import UNKNOWN, detect_language
from entp.mix.key_terms import STOP_WORDS, missing_terms
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

#: Words of our prompts; a parent may have them too, and then they are no leak.
_PROMPT_WORDS = re.compile(
    r"</?(?:task|note|instruction|answer)(?:_\d)?>|\b(?:task|instruction|note|prompt)[ _]?[12ab]\b"
    r"|\b(?:task|instruction|note|prompt) (?:one|two)\b"
    r"|\b(?:this|the (?:first|second|two|new)) (?:task|instruction)s?\b"
    r"|\b(?:new|merged|combined) (?:instruction|task|prompt)\b|新指令|任务[一二12]",
    re.IGNORECASE,
)
#: Noise, wherever it comes from: control tokens, role markers, raw JSON, a chat model's set phrases.
_NOISE = re.compile(
    r"<\|[a-z_]+\|>|</?s>|\[/?INST\]|^\s*(?:user|assistant|human|system)\s*:|<noinput>|```json"
    r"|\{\"(?:instruction|response)\"|\bas an? (?:ai|artificial intelligence)\b|作为一个?(?:AI|人工智能)"
    r"|\b(?:ready|happy|here) to (?:help|assist)\b",
    re.IGNORECASE | re.MULTILINE,
)
#: Verbs and question words that a request begins with.
REQUEST_WORDS = frozenset(Path(__file__).with_name("request_words.txt").read_text(encoding="utf-8").split())
#: What may stand before them.
LEADING_WORDS = frozenset(
    ["also", "and", "finally", "first", "lastly", "next", "now", "please", "second", "then", "third"]
)
_CLAUSE = re.compile(r"[.!?;:,\n]+")
_ASKING = re.compile(
    r"[?？]|请|[吗呢](?:\W|$)|什么|如何|怎么|怎样|为什么|哪|(?:^|[，。；])\s*(?:写|列|给|描述|解释|翻译|介绍|总结|说明|分析|比较|生成|设计|编|找|提供|计算|将|把)"
)
_REFERENCES = re.compile(
    r"\b(?:the|this|these) (?:following|given|attached|provided|above|below|supplied)\b"
    r"|\b(?:attached|provided|given|listed|shown|mentioned) (?:above|below|here)\b|\b(?:see|use|read) (?:above|below)\b"
    r"|\b(?:the|this) (?:passage|paragraph|excerpt|image|picture|photo|attachment|link|table below|article below)\b"
    r"|\b(?:both|these|the two) (?:tasks|instructions|questions|prompts)\b"
    r"|以下|上述|上文|下文|附件|如图|下图|上图|所给|给定的",
    re.IGNORECASE,
)
_MATERIAL = re.compile(r"[\"“「『][^\"”」』]{8,}[\"”」』]|```|https?://|[:：]\s*\S|\n\s*\S|[?？]\s*\S")
_UNFINISHED = re.compile(
    r"(?:[,:，；：、(（\[{]|\b(?:and|or|but|the|a|an|of|to|in|for|with|by|as|is|are|that|which|such as))\s*$"
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
    """Scraps of the prompt, role markers, or a chat model's set phrases.

    Words of the prompt are no leak where one of the `sources` (the parents) has them too; noise always is.

    Trips:  "Task 1: name three fruits."
    Passes: "Name three fruits and one task they help with."
    """
    known = "\n".join(sources).lower()
    found = [match.group().strip() for match in _NOISE.finditer(text)]
    found += [match.group() for match in _PROMPT_WORDS.finditer(text) if match.group().lower() not in known]
    own = {run for source in sources for run in ngrams(words(source), LEAK_WORDS)}
    scraps = [" ".join(run) for run in ngrams(words(text), LEAK_WORDS) if run in template_runs() and run not in own]
    if len(scraps) >= LEAK_RUNS:
        found += scraps
    return Finding(1.0, sorted(set(found))) if found else FINE


def not_a_request(text: str, sources: Sequence[str], languages: Set[str]) -> Finding:
    """The instruction tells something instead of asking for it (English and Chinese; other languages pass).

    A request has a question mark, or a clause that begins with a verb of asking or as one of the parents does. Where
    no parent is a request in this sense, none is demanded.

    Trips:  "To improve the sentence, you could add a comma."
    Passes: "First, improve the sentence. Then, add a comma."
    """
    if not text or not languages & {"en", "zh"}:
        return FINE
    if _asks(text, _openings(sources)) or not any(_asks(source, frozenset()) for source in sources):
        return FINE
    return Finding(1.0, [" ".join(words(text)[:3])])


def _asks(text: str, openings: Collection[str]) -> bool:
    if _ASKING.search(text):
        return True
    clauses = [words(clause) for clause in _CLAUSE.split(text)]
    firsts = {next((word for word in clause if word not in LEADING_WORDS), "") for clause in clauses}
    return bool(firsts & REQUEST_WORDS or firsts & set(openings))


def _openings(sources: Sequence[str]) -> frozenset[str]:
    """First words of the parents' instructions that are verbs of their own, such as "fabricate"."""
    firsts = {next(iter(words(source)), "") for source in sources}
    return frozenset(first for first in firsts if first not in STOP_WORDS)


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
