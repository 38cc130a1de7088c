"""Vanilla: nothing is chosen, and the base model stays as it is."""

from __future__ import annotations

import polars as pl

from entp.select.selection import SELECTION

NEEDS: tuple[str, ...] = ()


def select(scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame:
    """No sample."""
    del scores, budget, seed
    return SELECTION.to_frame()
