"""How often to take a sample that says what many say: weights for `assemble`, where `purge.soft_duplicates` asks."""

from __future__ import annotations

import polars as pl

from entp.purge.duplicates.commonness import commonness, count, empty_counts, weights
from entp.records import WEIGHTS, with_text

#: Samples up to this quantile of commonness keep weight 1, and none falls below the floor (our choices).
QUANTILE = 0.5
FLOOR = 0.1
#: Cells of the count table per sample, in powers of two from 2^20 to 2^27.
CELLS_PER_SAMPLE = 100


def weigh(samples: pl.DataFrame) -> pl.DataFrame:
    """WEIGHTS of the samples, whole conversations against each other."""
    texts = with_text(samples).select(pl.concat_str("prompt", "response", separator="\n")).to_series().to_list()
    counts = empty_counts(1 << min(max((CELLS_PER_SAMPLE * len(texts)).bit_length(), 20), 27))
    count(texts, counts)
    common = commonness(texts, counts, len(texts))
    weight = weights(common, QUANTILE, FLOOR)
    return samples.select("id", commonness=pl.Series(common), weight=pl.Series(weight)).cast(WEIGHTS)
