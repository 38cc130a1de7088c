"""High quality: samples of the tier HQ, drawn at random where the budget does not hold them all."""

from __future__ import annotations

import polars as pl

from entp.select.selection import drawn, known

NEEDS: tuple[str, ...] = ("tier",)


def select(scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame:
    """Drawn without replacement from the tier HQ."""
    return drawn(known(scores, NEEDS).filter(tier="HQ"), pl.lit(0.0), budget, seed)
