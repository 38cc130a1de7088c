"""What every recogniser yields."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

WORD_SPAN = 40


class PersonalDatum(NamedTuple):
    """`text[start:end]` is a personal datum of this type (see `find.TYPES`). It never carries the datum itself."""

    type: str
    start: int
    end: int


def counts_up_or_down(digits: str) -> bool:
    """Whether the digits are a plain sequence or one digit over and over, as placeholders are.

    >>> counts_up_or_down("1234567890"), counts_up_or_down("4155552671")
    (True, False)
    """
    steps = {(int(right) - int(left)) % 10 for left, right in pairwise(digits)}
    return len(steps) <= 1 and steps <= {0, 1, 9}


def follows(word: re.Pattern[str], text: str, start: int) -> bool:
    """Whether what begins at `start` stands within WORD_SPAN characters after such a word."""
    return word.search(text, max(0, start - WORD_SPAN), start) is not None
