"""Key terms: the content words that say what a text is about, by frequency and rarity (TF-IDF).

A fused text must keep its parents' key terms (the paper's rule; how terms are found is our choice). English terms are
words, Chinese terms are pairs of neighbouring characters, which need no segmenter.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from entp.mix.words import is_han, words

# Function words, and the verbs and nouns of asking ("give me an example of ..."), which say nothing of the topic.
STOP_WORDS = frozenset(Path(__file__).with_name("stop_words.txt").read_text(encoding="utf-8").split())
# Particles, pronouns and asking verbs: a pair of characters holding one of them is no term.
STOP_CHARACTERS = frozenset(
    "的了和是在我有你他她它们这那个与及或就也都不为以于对把被让给请吗呢吧啊么什其之而并很更最将要能会可一些每"
)
MIN_LETTERS = 3
#: Endings cut before two words are compared, longest first (plural, tense, and the commonest derivations).
ENDINGS = ("ments", "ment", "ions", "ness", "ion", "ing", "ies", "ied", "ers", "ed", "es", "er", "ly", "e", "s", "y")
STEM_LETTERS = 4


@dataclass(frozen=True)
class Corpus:
    """How many texts there are, and in how many of them each term stands."""

    documents: int
    frequency: Counter[str]


def count_documents(texts: Iterable[str]) -> Corpus:
    """Document frequencies of all terms in `texts`."""
    frequency: Counter[str] = Counter()
    documents = 0
    for text in texts:
        documents += 1
        frequency.update(set(content_terms(text)))
    return Corpus(documents, frequency)


def content_terms(text: str) -> list[str]:
    """Content words and numbers, and pairs of Han characters, in order of appearance, with repeats.

    >>> content_terms("Name the capital of France in 2 words.")
    ['capital', 'france', '2']
    >>> content_terms("介绍北京的历史")
    ['介绍', '绍北', '北京', '历史']
    """
    tokens = words(text)
    terms: list[str] = []
    for position, token in enumerate(tokens):
        if is_han(token):
            following = tokens[position + 1] if position + 1 < len(tokens) else ""
            if following and is_han(following) and not STOP_CHARACTERS & {token, following}:
                terms.append(token + following)
        elif token[0].isdigit() or (len(token) >= MIN_LETTERS and token not in STOP_WORDS):
            terms.append(token)
    return terms


def key_terms(text: str, corpus: Corpus, limit: int) -> tuple[str, ...]:
    """The `limit` heaviest terms by TF-IDF, one per stem; ties go to the earlier one."""
    counts = Counter(content_terms(text))
    weights = {
        term: count * (1.0 + math.log((1 + corpus.documents) / (1 + corpus.frequency[term])))
        for term, count in counts.items()
    }
    chosen: dict[str, str] = {}
    for term in sorted(weights, key=lambda term: -weights[term]):
        chosen.setdefault(stem(term), term)
    return tuple(list(chosen.values())[:limit])


def stem(term: str) -> str:
    """A word without its commonest ending; at least four letters stay.

    >>> stem("describing"), stem("animals"), stem("bus"), stem("1984")
    ('describ', 'animal', 'bus', '1984')
    """
    if not term.isalpha() or is_han(term):
        return term
    for ending in ENDINGS:
        if term.endswith(ending) and len(term) - len(ending) >= STEM_LETTERS:
            return term[: -len(ending)]
    return term


def missing_terms(terms: Sequence[str], text: str) -> list[str]:
    """The terms that `text` does not take up in any form.

    >>> missing_terms(["describe", "planet", "history"], "A description of the planets")
    ['history']
    """
    stems = {stem(word) for word in words(text)}
    folded = text.lower()
    return [term for term in terms if not _stands_in(term, stems, folded)]


def _stands_in(term: str, stems: set[str], folded: str) -> bool:
    if is_han(term):
        return term in folded
    if not term.isalpha():
        return term in stems
    root = stem(term)
    return root in stems or any(_related(root, other) for other in stems)


def _related(left: str, right: str) -> bool:
    """One stem continues the other, or they part only in their last letters ("describ", "descript")."""
    shorter = min(len(left), len(right))
    if shorter <= STEM_LETTERS:
        return False
    shared = next((place for place in range(shorter) if left[place] != right[place]), shorter)
    return shared > STEM_LETTERS and shared >= max(len(left), len(right)) - 3
