"""Words of English and Chinese text, as the symbolic half of `mix` counts them."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HAN = "\u4e00-\u9fff"
_WORD = re.compile(rf"[{_HAN}]|(?:(?![{_HAN}])[^\W\d_])+(?:['’](?:(?![{_HAN}])[^\W\d_])+)*|\d+(?:[.,]\d+)*")


def words(text: str) -> list[str]:
    """Lower-case words and numbers, in order; a Han character counts as one word.

    >>> words("Don't list 2,000 items: 列出")
    ["don't", 'list', '2,000', 'items', '列', '出']
    """
    return [match.group().lower().replace("’", "'") for match in _WORD.finditer(text)]


def is_han(word: str) -> bool:
    """Whether a word of `words` is a Chinese character."""
    return "\u4e00" <= word[0] <= "\u9fff"


def ngrams(sequence: Sequence[str], length: int) -> list[tuple[str, ...]]:
    """All runs of `length` words; a shorter sequence is one run by itself."""
    if len(sequence) < length:
        return [tuple(sequence)] if sequence else []
    return [tuple(sequence[start : start + length]) for start in range(len(sequence) - length + 1)]


def jaccard(left: str, right: str, length: int = 3) -> float:
    """Shared share of word n-grams, 0..1; two empty texts share nothing.

    >>> jaccard("name three fruits", "Name three fruits!")
    1.0
    """
    ours, theirs = set(ngrams(words(left), length)), set(ngrams(words(right), length))
    return len(ours & theirs) / len(ours | theirs) if ours | theirs else 0.0
