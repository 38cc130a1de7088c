"""Random: every sample as likely as any other. The baseline that many a selector does not beat."""

from __future__ import annotations

import polars as pl

from entp.select.selection import drawn, known

NEEDS: tuple[str, ...] = ()


def select(scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame:
    """`budget` samples, drawn without replacement."""
    return drawn(known(scores, NEEDS), pl.lit(0.0), budget, seed)
