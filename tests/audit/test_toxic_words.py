from __future__ import annotations

from glin_profanity.data.dictionary import dictionary

from entp.audit.toxic_words import LANGUAGES, ordinary_words


def test_every_ordinary_word_is_an_exception_to_something():
    listed = {word.lower() for language in LANGUAGES for word in dictionary.get_words(language)}
    assert [word for word in ordinary_words() if word not in listed] == []


def test_ordinary_words_are_sorted_and_named_once():
    english = [word for word in ordinary_words() if word.isascii() and not word[0].isdecimal()]
    assert english == sorted(set(english))
    assert len(ordinary_words()) == len(set(ordinary_words()))
