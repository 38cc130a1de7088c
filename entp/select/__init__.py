"""The selectors by name: what `entp compare` holds purge-mix against.

A selector is one file with what it needs and one function (`entp.select.selection.Select`), and a row here.
"""

from __future__ import annotations

from typing import NamedTuple

from entp.errors import UsageError, near
from entp.select import (
    alpagasus,
    cluster_complexity,
    completion_length,
    deita,
    ds2,
    ds2_uncurated,
    dsir,
    full,
    high_quality,
    ifd,
    knn,
    learning_percentage,
    less,
    lexicon_overlap,
    lm_yes_no,
    low_quality,
    perplexity,
    qurating,
    random_choice,
    superfiltering,
    target_cosine,
    vanilla,
)
from entp.select.selection import SELECTION, Select

__all__ = ["SELECTION", "SELECTORS", "Selector", "selector_named"]


class Selector(NamedTuple):
    """A way to choose, and the columns of the scores that it reads."""

    select: Select
    needs: tuple[str, ...]


_MODULES = {
    "vanilla": vanilla,
    "full": full,
    "high_quality": high_quality,
    "low_quality": low_quality,
    "random": random_choice,
    "completion_length": completion_length,
    "perplexity": perplexity,
    "knn": knn,
    "ifd": ifd,
    "superfiltering": superfiltering,
    "alpagasus": alpagasus,
    "deita": deita,
    "ds2": ds2,
    "ds2_uncurated": ds2_uncurated,
    "less": less,
    "dsir": dsir,
    "cluster_complexity": cluster_complexity,
    "learning_percentage": learning_percentage,
    "qurating": qurating,
    "lexicon_overlap": lexicon_overlap,
    "target_cosine": target_cosine,
    "lm_yes_no": lm_yes_no,
}
SELECTORS: dict[str, Selector] = {name: Selector(module.select, module.NEEDS) for name, module in _MODULES.items()}


def selector_named(name: str) -> Selector:
    """Raises UsageError naming those there are."""
    if name not in SELECTORS:
        raise UsageError(f"there is no selector {name!r}; {near(name, SELECTORS, 'selectors')}")
    return SELECTORS[name]
