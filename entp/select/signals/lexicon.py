"""How much of a sample is said in the target's words."""

from __future__ import annotations

import polars as pl

from entp.conversation import with_text
from entp.select.signals.pool import Computed, Pool, wanted
from entp.text.words import words


def compute(pool: Pool) -> Computed:
    """`target_overlap`: the share (0..1) of a sample's distinct words that occur in the target set."""
    lexicon = frozenset().union(*(_vocabulary(text) for text in whole_texts(wanted(pool))))
    shares = [overlap(text, lexicon) for text in whole_texts(pool.samples)]
    return Computed(pool.samples.select("id", target_overlap=pl.Series(shares, dtype=pl.Float64)))


def overlap(text: str, lexicon: frozenset[str]) -> float:
    """Shared over all distinct words of the text; 0 for one without words."""
    own = _vocabulary(text)
    return len(own & lexicon) / len(own) if own else 0.0


def whole_texts(samples: pl.DataFrame) -> list[str]:
    """Prompt and response of each sample, in one text."""
    return with_text(samples).select(pl.concat_str("prompt", "response", separator="\n")).to_series().to_list()


def _vocabulary(text: str) -> frozenset[str]:
    return frozenset(words(text))
