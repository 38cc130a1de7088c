"""The terms of the symbolic loss: each looks at one thing in a text, and says 0 (right) to 1 (entirely wrong).

A finding also names the offending words, for the next prompt and for the reader of a trace. An empty text is wrong
under `unreadable` and `missing`, and passes the others. The examples in the docstrings are arguments: a test runs them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence, Set
from typing import NamedTuple

from entp.mix.templates import LEAK_WORDS, template_runs
from entp.text.directives import asks, openings
from entp.text.key_terms import missing_terms
from entp.text.language import UNKNOWN, detect_language
from entp.text.word_forms import ENGLISH
from entp.text.words import is_han, jaccard, ngrams, words


class Finding(NamedTuple):
    """`value` is 0..1."""

    value: float
    offending: list[str]


FINE = Finding(0.0, [])

#: Fewest key terms of each parent, as a share, that show that its intent is still there.
INTENT_SHARE = 1 / 3
#: Up to here a text may resemble one of its sources (Jaccard of word 3-grams): two parents side by side, one of them
#: three times as long, are near 0.75.
RESEMBLANCE = 0.75
#: Up to this share of repeated word 4-grams is ordinary (parallel sentences, lists).
ORDINARY_REPETITION = 0.15
#: Less certain guesses of a language are no evidence: short English is taken for Italian at 0.6.
LANGUAGE_CERTAINTY = 0.75
#: A text with this share of Chinese characters among its words is Chinese, whatever else it quotes.
CHINESE_SHARE = 0.25

#: Talk about our prompts; a parent may have it too, and then it is no leak.
_PROMPT_TALK = re.compile(
    r"</?(?:task|note|instruction|answer)(?:_\d)?>|\b(?:task|instruction|note|prompt)[ _]?[12ab]\b"
    r"|\b(?:task|instruction|note|prompt) (?:one|two)\b"
    r"|\b(?:this|the (?:first|second|two|new|original|above|previous)) (?:task|instruction)s?\b"
    r"|\b(?:new|merged|combined|revised|rewritten) (?:instruction|task|prompt)\b"
    r"|\bhere(?: is|['’]s) (?:the|an?|your) (?:\w+ ){0,5}(?:instruction|task|prompt|version)\b"
    r"|\b(?:provided|given) notes?\b|\bnotes? (?:provided|given|above)\b"
    r"|\byour (?:response|answer|instruction) is\b|新指令|任务[一二12]",
    re.IGNORECASE,
)
#: Noise, wherever it comes from: control tokens, role markers, raw JSON, a chat model's set phrases.
_NOISE = re.compile(
    r"<\|[a-z_]+\|>|</?s>|\[/?INST\]|^[^\S\n]*(?:user|assistant|human|system)[^\S\n]*:|<no ?(?:in|out)put>|```json"
    r"|\{\"(?:instruction|response)\"|作为一个?(?:AI|人工智能)"
    r"|\bas an? (?:ai|artificial intelligence)(?: (?:language )?(?:model|assistant))?(?:,| I\b)"
    r"|\bI(?:['’]m| am|['’]d be| would be) (?:\w+ )?(?:ready|happy|glad|here) to (?:help|assist|explain|answer)\b"
    r"|\bwhat an? (?:great|good|interesting) (?:question|idea)\b",
    re.IGNORECASE | re.MULTILINE,
)
_REFERENCES = re.compile(
    r"\b(?:the|this|these) (?:following|given|attached|provided|above|below|supplied)\b"
    r"|\b(?:attached|provided|given|listed|shown|mentioned) (?:above|below|here)\b|\b(?:see|use|read) (?:above|below)\b"
    r"|\b(?:the|this) (?:passage|paragraph|excerpt|attachment|(?:table|article|text|list|sentence|code) below)\b"
    r"|\b(?:the|this) (?:image|picture|photo|link)\b(?! (?:of|between|to)\b)"
    r"|\b(?:both|these|the two) (?:tasks|instructions|questions|prompts)\b"
    r"|(?<![\d岁度元分年米])以下|上述|上文|下文|附件|如图|下图|上图|所给|给定的",
    re.IGNORECASE,
)
#: "this sentence" (in lower case), where no sentence was spoken of before.
_POINTERS = re.compile(
    r"\bthis (?P<what>sentence|text|article|paragraph|story|statement|poem|phrase|quote|novel|book|movie|code|essay)\b"
)
#: A quotation of two words or eight Chinese characters, code, an address, or text after a colon, a line or a question.
_MATERIAL = re.compile(
    r"[\"“「『](?=[^\"“”「」『』]*[\s\u4e00-\u9fff])[^\"“”「」『』]{8,}[\"”」』]|```|https?://|[:：?？\n][\s\S]"
)
_UNFINISHED = re.compile(r"(?:[,:，；：、(（\[{]|\b(?:and|or|but|the|an|such as|which|(?<=\w )a))\s*\Z")
#: Prepositions and verbs that a sentence may end in only after a word such as "what" ("explain what fog is").
_STRANDED = re.compile(r"\b(?:of|to|in|for|with|by|as|is|are|that)\s*\Z")
_STRANDING = re.compile(r"\b(?:what|which|who|whom|where|how|that|you|I)\b", re.IGNORECASE)
_CITED = re.compile(r"```.*?(?:```|\Z)|[\"“「『][^\"“”「」『』]*[\"”」』]", re.DOTALL)


def unreadable(text: str) -> Finding:
    """No text at all: the reply was refused, empty, or did not parse.

    Trips:  ""
    Passes: "Name three fruits."
    """
    return FINE if words(text) else Finding(1.0, [])


def unfinished(text: str, truncated: bool) -> Finding:
    """The reply hit its token limit (`truncated`), or breaks off in mid-sentence.

    Trips:  "The causes are the war and the", False
    Trips:  "Paris", True
    Passes: "Explain what fog is", False
    """
    broken = _UNFINISHED.search(text)
    if broken is None and not _STRANDING.search(text):
        broken = _STRANDED.search(text)
    if broken:
        return Finding(1.0, [broken.group().strip()])
    return Finding(1.0, []) if truncated else FINE


def wrong_language(text: str, languages: Collection[str]) -> Finding:
    """The text, without what it quotes, is clearly in none of the parents' `languages`.

    Trips:  "Donnez-moi trois conseils pour rester en bonne santé.", ["en"]
    Passes: 'Translate "Où est la bibliothèque ?" into English.', ["en"]
    """
    known = {language for language in languages if language != UNKNOWN}
    if not known or ("zh" in known and _chinese_share(text) >= CHINESE_SHARE):
        return FINE
    language, certainty = detect_language(_CITED.sub(" ", text))
    if language in known or language == UNKNOWN or certainty < LANGUAGE_CERTAINTY:
        return FINE
    return Finding(1.0, [language])


def leakage(text: str, sources: Sequence[str] = ()) -> Finding:
    """Scraps of the prompt, role markers, or a chat model's set phrases.

    Words of the prompt are no leak where one of the `sources` (the parents) has them too; noise always is.

    Trips:  "Task 1: name three fruits.", ["Name three fruits."]
    Passes: "Name three fruits and one task they help with.", ["Name three fruits."]
    """
    known = "\n".join(sources).lower()
    found = [match.group().strip() for match in _NOISE.finditer(text)]
    found += [match.group() for match in _PROMPT_TALK.finditer(text) if match.group().lower() not in known]
    found += [" ".join(run) for run in _scraps(text, sources)]
    return Finding(1.0, sorted(set(found))) if found else FINE


def not_a_request(text: str, sources: Sequence[str], languages: Set[str]) -> Finding:
    """The instruction tells something instead of asking for it (English and Chinese; other languages pass).

    A request has a question mark, or a clause that begins with a verb of asking or as one of the parents (`sources`)
    does. Where no parent is a request in this sense, none is demanded.

    Trips:  "To improve the sentence, you could add a comma.", ["Improve the sentence."], {"en"}
    Passes: "First, improve the sentence. Then, add a comma.", ["Improve the sentence."], {"en"}
    """
    if not text or not languages & {"en", "zh"}:
        return FINE
    if asks(text, openings(sources)) or not any(asks(source) for source in sources):
        return FINE
    return Finding(1.0, [" ".join(words(text)[:3])])


def absent_reference(text: str) -> Finding:
    """The instruction leans on a text, picture or task that it does not hold.

    Trips:  "Summarise the following article."
    Trips:  "Correct the grammar of this sentence."
    Passes: "Summarise the following article: The town hall burned down on Monday."
    Passes: "Write a story, and name the hero of this story."
    """
    lower = text.lower()
    found = [match.group() for match in _REFERENCES.finditer(text)]
    found += [match.group() for match in _POINTERS.finditer(lower) if match["what"] not in lower[: match.start()]]
    if not found or _MATERIAL.search(text.strip()):
        return FINE
    return Finding(1.0, sorted(set(found)))


def missing(text: str, wanted: Sequence[str], enough: float, language: str = ENGLISH) -> Finding:
    """The share of key terms the text does not take up, beyond what need not be there (`enough` = 1: all must).

    A term is taken up in any of its forms in its `language`, and by a word derived from it.

    Trips:  "Describe a beach.", ["fruit", "vitamins"], 1.0
    Passes: "Which vitamin do fruits hold?", ["fruit", "vitamins"], 1.0
    Passes: "Which fruits?", ["fruit", "vitamins"], 0.5
    """
    absent = missing_terms(wanted, text, language)
    share = 1 - len(absent) / len(wanted) if wanted else 1.0
    if share >= enough:
        return FINE
    return Finding(1 - share / enough, absent)


def one_sided(text: str, topics: Sequence[Sequence[str]], languages: Sequence[str] = ()) -> Finding:
    """One parent's intent is missing: less than a third of its key terms are there.

    `topics` are the key terms of each parent, `languages` their languages (English where there are none).

    Trips:  "Name three fruits.", [["fruits"], ["beach"]]
    Passes: "Name three fruits to eat on a beach.", [["fruits"], ["beach"]]
    """
    worst = FINE
    for topic, language in zip(topics, languages or [ENGLISH] * len(topics), strict=True):
        finding = missing(text, topic, INTENT_SHARE, language)
        worst = max(worst, finding, key=lambda found: found.value)
    return worst


def copied(text: str, sources: Sequence[str]) -> Finding:
    """The text repeats one of its sources instead of making something new of them.

    Trips:  "Name three fruits.", ["Name three fruits."]
    Passes: "Name three fruits, then describe a beach.", ["Name three fruits."]
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

    Trips:  "Yes.", 4, 40
    Passes: "Name three fruits and three trees.", 4, 40
    """
    count = len(words(text))
    if count < shortest:
        return Finding(1 - count / shortest, [f"{count} words"])
    if count > longest:
        return Finding(1 - longest / count, [f"{count} words"])
    return FINE


def doubt(yes: float) -> Finding:
    """How far a judge leans to no, by its probability of yes; one surer of yes than of no costs nothing.

    Trips:  0.25
    Passes: 0.8
    """
    return Finding(max(0.0, 1 - 2 * yes), [])


def _scraps(text: str, sources: Sequence[str]) -> list[tuple[str, ...]]:
    """Runs of words of a template; one of which a source has all words but an outer one is that source's."""
    own = {run for source in sources for run in ngrams(words(source), LEAK_WORDS - 1)}
    runs = [run for run in ngrams(words(text), LEAK_WORDS) if run in template_runs()]
    return [run for run in runs if run[1:] not in own and run[:-1] not in own]


def _chinese_share(text: str) -> float:
    found = words(text)
    return sum(is_han(word) for word in found) / len(found) if found else 0.0
