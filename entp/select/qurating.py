"""QuRating: drawn by a quality that pairwise judgements imply (Wettig et al. 2024, arXiv 2402.09739).

`qurating` is the Bradley-Terry score of the sample. Scores are brought to unit variance and samples drawn without
replacement with probability proportional to exp(score / temperature) (section 4.1).
"""

from __future__ import annotations

import polars as pl

from entp.select.selection import drawn, known

NEEDS: tuple[str, ...] = ("qurating",)
#: The temperature that the paper found to balance quality and variety.
TEMPERATURE = 2.0


def select(scores: pl.DataFrame, budget: int, seed: int) -> pl.DataFrame:
    """Drawn without replacement by exp(standardised score / temperature)."""
    score = pl.col("qurating")
    standard = (score - score.mean()) / pl.max_horizontal(score.std(ddof=0), pl.lit(1e-12))
    return drawn(known(scores, NEEDS), standard / TEMPERATURE, budget, seed)
