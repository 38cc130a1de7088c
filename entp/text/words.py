"""Words of English and Chinese text, as the symbolic half of `mix` counts them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

#: English function words, and the verbs and nouns of asking ("give me an example of ..."); Chinese ones of asking.
STOP_WORDS = frozenset(Path(__file__).with_name("stop_words.txt").read_text(encoding="utf-8").split())
#: English verbs that a request begins with, and Chinese words that begin one but are no verbs to jieba.
REQUEST_WORDS = frozenset(Path(__file__).with_name("request_words.txt").read_text(encoding="utf-8").split())
HAN = "\u4e00-\u9fff"
#: Letters and digits that stand together ("WW2", "2x"), with what may stand inside a word ("don't", "2,000").
WORD = rf"[^\W_{HAN}]+(?:(?:['’](?=[^\W\d_])|(?<=\d)[.,](?=\d))[^\W_{HAN}]+)*"
_WORD = re.compile(rf"[{HAN}]|{WORD}")


def words(text: str) -> list[str]:
    """Lower-case words and numbers, in order; a Han character counts as one word.

    >>> words("Don't list 2,000 items of WW2: 列出")
    ["don't", 'list', '2,000', 'items', 'of', 'ww2', '列', '出']
    """
    return [folded(match.group()) for match in _WORD.finditer(text)]


def folded(word: str) -> str:
    """A word as it is compared: in lower case, with a straight apostrophe."""
    return word.lower().replace("’", "'")


def is_han(word: str) -> bool:
    """Whether a word begins with a Chinese character."""
    return "\u4e00" <= word[0] <= "\u9fff"


def tagged(run: str) -> list[tuple[str, str]]:
    """A run of Chinese characters as words, each with its part of speech, by jieba's dictionary.

    >>> tagged("介绍北京的历史")
    [('介绍', 'v'), ('北京', 'ns'), ('的', 'uj'), ('历史', 'n')]
    """
    import rjieba

    return list(rjieba.tag(run))


def ngrams(sequence: Sequence[str], length: int) -> list[tuple[str, ...]]:
    """All runs of `length` words; a shorter sequence is one run by itself."""
    if len(sequence) < length:
        return [tuple(sequence)] if sequence else []
    return [tuple(sequence[start : start + length]) for start in range(len(sequence) - length + 1)]


def jaccard(left: str, right: str) -> float:
    """Shared share of the runs of three words, 0..1; two empty texts share nothing.

    >>> jaccard("name three fruits", "Name three fruits!")
    1.0
    """
    ours, theirs = set(ngrams(words(left), 3)), set(ngrams(words(right), 3))
    return len(ours & theirs) / len(ours | theirs) if ours | theirs else 0.0
