"""Key terms: the words that say what a text is about, by frequency and rarity (TF-IDF).

A fused text must keep its parents' key terms (the paper's rule; how terms are found is our choice). A term is a word,
a name of several words ("French Press"), or a phrase that the pool knows ("machine learning"). Chinese is segmented by
jieba's dictionary; a text without spaces in another language is beyond us.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from entp.text.word_forms import ENGLISH, derived, root, stop_words, without_clitics
from entp.text.words import HAN, REQUEST_WORDS, WORD, folded, is_han, tagged, words

MIN_LETTERS = 3
#: A phrase is two words that stand together in at least so many texts, and in a third of the texts that have either
#: of them (Dice's coefficient); our choice, by reading.
PHRASE_TEXTS = 3
PHRASE_DICE = 1 / 3
PHRASE_WORDS = 3
#: First letters of jieba's parts of speech that say what a text is about: noun, verb, adjective, idiom, set phrase,
#: abbreviation. A single character must be a noun.
TELLING = "nvailj"
_PIECE = re.compile(rf"[{HAN}]+|{WORD}")


@dataclass(frozen=True)
class Corpus:
    """How many texts there are, and in how many of them each term stands. Of pairs of words it holds the phrases."""

    documents: int
    frequency: Counter[str]


class Token(NamedTuple):
    """A content word and where it stands; `named`: it begins with a capital, as names do."""

    word: str
    start: int
    end: int
    named: bool


def count_documents(texts: Iterable[str]) -> Corpus:
    """Document frequencies of all words and phrases in `texts`."""
    frequency: Counter[str] = Counter()
    together: Counter[tuple[str, str]] = Counter()
    documents = 0
    for text in texts:
        documents += 1
        tokens = _content(text)
        frequency.update({token.word for token in tokens})
        together.update({(left.word, right.word) for left, right in pairwise(tokens) if _adjacent(left, right, text)})
    phrases = {
        f"{left} {right}": count
        for (left, right), count in together.items()
        if count >= PHRASE_TEXTS and 2 * count >= PHRASE_DICE * (frequency[left] + frequency[right])
    }
    return Corpus(documents, frequency + Counter(phrases))


def content_terms(text: str, language: str = ENGLISH) -> list[str]:
    """Content words and numbers, in order of appearance, with repeats.

    >>> content_terms("Name the capital of France in 2 words.")
    ['capital', 'france', '2']
    >>> content_terms("介绍北京的历史")
    ['北京', '历史']
    """
    return [token.word for token in _content(text, language)]


def key_terms(text: str, corpus: Corpus, limit: int, language: str = ENGLISH) -> tuple[str, ...]:
    """The `limit` heaviest terms by TF-IDF, ties to the earlier; none is but another form of those before it."""
    return tuple(_distinct(_by_weight(text, corpus, language), language)[:limit])


def topic_terms(prompt: str, corpus: Corpus, limit: int, language: str = ENGLISH) -> tuple[str, ...]:
    """The key terms of what a prompt asks for: of its first paragraph before the rest, which is what to work on.

    >>> topic_terms("Shorten the report.\\n\\nReport: quartz and mica were found.", Corpus(0, Counter()), 3)
    ('shorten', 'report', 'quartz')
    """
    request = prompt.strip().partition("\n\n")[0]
    ranked = [*_by_weight(request, corpus, language), *_by_weight(prompt, corpus, language)]
    return tuple(_distinct(ranked, language)[:limit])


def missing_terms(terms: Sequence[str], text: str, language: str = ENGLISH) -> list[str]:
    """The terms that `text` does not take up in any form; of a term of several words all must stand in it.

    >>> missing_terms(["describe", "planet", "history", "new york"], "A description of the planets. York is new to me.")
    ['history']
    """
    roots = {root(word, language) for word in words(text)}
    return [term for term in terms if not _stands_in(term, text, roots, language)]


def _content(text: str, language: str = ENGLISH) -> list[Token]:
    tokens = []
    for match in _PIECE.finditer(text):
        piece = match.group()
        if is_han(piece):
            tokens += [Token(word, match.start(), match.end(), False) for word in _chinese(piece)]
        elif word := _content_word(piece, language):
            tokens.append(Token(word, match.start(), match.end(), piece[0].isupper()))
    return tokens


def _chinese(run: str) -> list[str]:
    return [
        word
        for word, kind in tagged(run)
        if kind[0] in TELLING and (len(word) > 1 or kind[0] == "n") and word not in stop_words("zh")
    ]


@lru_cache(maxsize=100_000)
def _content_word(piece: str, language: str) -> str:
    """The word as a term; empty where it says nothing: numbers do, longer words, and acronyms of two letters."""
    whole = folded(piece)
    word = without_clitics(whole)
    if any(character.isdigit() for character in word):
        return word
    long_enough = len(word) >= MIN_LETTERS or (len(word) == MIN_LETTERS - 1 and piece.isupper())
    return word if long_enough and not {whole, word} & stop_words(language) else ""


def _terms(text: str, corpus: Corpus, language: str) -> list[str]:
    """The words of a text, those that make up a name or a phrase as one term."""
    runs: list[list[Token]] = []
    for token in _content(text, language):
        if runs and len(runs[-1]) < PHRASE_WORDS and _belong(runs[-1][-1], token, text, corpus):
            runs[-1].append(token)
        else:
            runs.append([token])
    return [" ".join(token.word for token in run) for run in runs]


def _belong(left: Token, right: Token, text: str, corpus: Corpus) -> bool:
    if not _adjacent(left, right, text):
        return False
    named = left.named and right.named and left.word not in REQUEST_WORDS
    return named or f"{left.word} {right.word}" in corpus.frequency


def _adjacent(left: Token, right: Token, text: str) -> bool:
    return text[left.end : right.start] == " "


def _by_weight(text: str, corpus: Corpus, language: str) -> list[str]:
    counts = Counter(_terms(text, corpus, language))
    weights = {term: count * _rarity(term, corpus) for term, count in counts.items()}
    return sorted(weights, key=lambda term: -weights[term])


def _rarity(term: str, corpus: Corpus) -> float:
    """Inverse document frequency, of the rarest word."""
    return max(1.0 + math.log((1 + corpus.documents) / (1 + corpus.frequency[word])) for word in term.split())


def _distinct(terms: Sequence[str], language: str) -> list[str]:
    """The terms without those whose words all stand, in some form, in terms before them."""
    chosen: list[str] = []
    known: set[str] = set()
    for term in terms:
        roots = {root(word, language) for word in term.split()}
        if not roots <= known:
            known |= roots
            chosen.append(term)
    return chosen


def _stands_in(term: str, text: str, roots: set[str], language: str) -> bool:
    if is_han(term):
        return term in text or (len(term) == 4 and term[:2] in text and term[2:] in text)
    return all(_taken_up(root(word, language), roots) for word in words(term))


def _taken_up(wanted: str, roots: set[str]) -> bool:
    return wanted in roots or (wanted.isalpha() and any(derived(wanted, other) for other in roots))
