"""Completion length: the longest responses (Zhao et al. 2024, "Long Is More for Alignment", arXiv 2402.04833)."""

from __future__ import annotations

import polars as pl

from entp.select.selection import best

NEEDS: tuple[str, ...] = ("response_tokens",)


def select(scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame:
    """The samples whose responses have the most tokens."""
    return best(scores, "response_tokens", budget, seed)
