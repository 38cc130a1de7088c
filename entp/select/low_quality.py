"""Low quality: samples of the tier LQ, drawn at random. What purge-mix starts from, as it is."""

from __future__ import annotations

import polars as pl

from entp.select.selection import drawn, known

NEEDS: tuple[str, ...] = ("tier",)


def select(scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame:
    """Drawn without replacement from the tier LQ."""
    return drawn(known(scores, NEEDS).filter(tier="LQ"), pl.lit(0.0), budget, seed)
