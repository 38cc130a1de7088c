"""Which words are forms of one another, and which say nothing of a topic, by language.

A word's root is the stem (Snowball) of its lemma (simplemma): the lemma knows irregular forms ("wrote", "mice"), the
stem takes what derivations add ("popularity"). A language that one of them lacks does without it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache

from entp.text.language import UNKNOWN
from entp.text.words import STOP_WORDS

ENGLISH = "en"
#: Words with letters are taken for English in texts of unknown language (short ones), and in Chinese ones.
READ_AS_ENGLISH = (ENGLISH, "zh", UNKNOWN)
#: Snowball's names of the languages it has a stemmer for.
STEMMERS = {
    "ar": "arabic",
    "da": "danish",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "id": "indonesian",
    "it": "italian",
    "nl": "dutch",
    "pt": "portuguese",
    "ru": "russian",
    "sv": "swedish",
    "tr": "turkish",
}
#: A merged text may spell a parent's small number out, or the other way round.
NUMERALS = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
    "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
}  # fmt: skip
#: Fewest letters that two roots must share to be forms of one word, and most that either may have beyond them.
SHARED_LETTERS = 5
OWN_LETTERS = 3


@lru_cache(maxsize=100_000)
def root(word: str, language: str = ENGLISH) -> str:
    """What a (lower-case) word has in common with its other forms; a number is its own root.

    >>> root("children's"), root("wrote"), root("popularity"), root("three"), root("häuser", "de")
    ('child', 'write', 'popular', '3', 'haus')
    """
    word = NUMERALS.get(word, without_clitics(word))
    if not word.isalpha():
        return word
    language = ENGLISH if language in READ_AS_ENGLISH else language
    return _stemmer(language)(_lemmatiser(language)(word).lower())


def without_clitics(word: str) -> str:
    """A word without the particles that an apostrophe ties to it.

    >>> without_clitics("amazon's"), without_clitics("l'été")
    ('amazon', 'été')
    """
    return max(word.split("'"), key=len)


def derived(left: str, right: str) -> bool:
    """Whether two roots belong to one word all the same ("laugh" and "laughter", "describ" and "descript").

    One continues the other from its fifth letter on, or they share six letters; neither goes on for more than three.
    """
    shorter, longer = sorted((left, right), key=len)
    shared = next((place for place, letter in enumerate(shorter) if longer[place] != letter), len(shorter))
    enough = SHARED_LETTERS if shared == len(shorter) else SHARED_LETTERS + 1
    return shared >= enough and len(longer) - shared <= OWN_LETTERS


@cache
def stop_words(language: str = ENGLISH) -> frozenset[str]:
    """Words that say nothing of a topic; none in a language that has no list."""
    if language in READ_AS_ENGLISH:
        return STOP_WORDS
    import stopwordsiso

    return frozenset(stopwordsiso.stopwords(language)) if stopwordsiso.has_lang(language) else frozenset()


@cache
def _lemmatiser(language: str) -> Callable[[str], str]:
    import simplemma

    try:
        simplemma.is_known("a", lang=language)
    except ValueError:  # it has no dictionary of that language
        return str
    return lambda word: simplemma.lemmatize(word, lang=language)


@cache
def _stemmer(language: str) -> Callable[[str], str]:
    if language not in STEMMERS:
        return str
    import snowballstemmer

    stem: Callable[[str], str] = snowballstemmer.stemmer(STEMMERS[language]).stemWord
    return stem
