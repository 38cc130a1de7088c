"""LM yes/no: what a model calls good to learn from (Ask-LLM, Sachdeva et al. 2024, arXiv 2402.09668).

`yes` is the log-odds that the model answers "yes" when it is asked whether the sample should be trained on.
"""

from __future__ import annotations

import polars as pl

from entp.select.selection import best

NEEDS: tuple[str, ...] = ("yes",)


def select(scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame:
    """The highest odds of a yes."""
    return best(scores, "yes", budget, seed)
