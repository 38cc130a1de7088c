"""Lexicon overlap: the samples that speak the target's words (DATA4LLM tutorial, selection by lexicon).

`target_overlap` is the share of a sample's distinct words that the target set uses.
"""

from __future__ import annotations

import polars as pl

from entp.select.selection import best

NEEDS: tuple[str, ...] = ("target_overlap",)


def select(scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame:
    """The largest shares of words in common with the target."""
    return best(scores, "target_overlap", budget, seed)
