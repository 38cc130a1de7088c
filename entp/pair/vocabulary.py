"""How much of what two texts say is said by one of them only."""

from __future__ import annotations

import re

#: Letters and digits of any script but Han; words under four characters are mostly function words.
WORD = re.compile(r"[^\W_\u4e00-\u9fff]{4,}")
HAN_RUN = re.compile(r"[\u4e00-\u9fff]{2,}")


def vocabulary(text: str) -> frozenset[str]:
    """Lower-case words of four letters or more; for Chinese, which writes no spaces, pairs of characters.

    >>> sorted(vocabulary("Prune the roses in March"))
    ['march', 'prune', 'roses']
    """
    words = set(WORD.findall(text.lower()))
    for run in HAN_RUN.findall(text):
        words.update(run[start : start + 2] for start in range(len(run) - 1))
    return frozenset(words)


def novelty(left: frozenset[str], right: frozenset[str]) -> float:
    """Share of the joint vocabulary that only one of the two has (Jaccard distance, 0..1)."""
    joint = len(left | right)
    return 1.0 - len(left & right) / joint if joint else 0.0
