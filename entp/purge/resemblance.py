"""What the samples that stay have in common, where a setting asks for it. Nothing is dropped for it.

Spans that many responses share word for word are flagged (`purge.shared_span_texts`). A sample that says what many say
weighs less in `assemble` (`purge.soft_duplicates`).
"""

from __future__ import annotations

import polars as pl

from entp.config import PurgeConfig
from entp.conversation import with_text
from entp.purge.apply_rules import FIRED
from entp.purge.duplicates.commonness import commonness, count, empty_counts, weights
from entp.purge.duplicates.substrings import shared_spans
from entp.records import SPAN_PLACES, SPANS, WEIGHTS

SHARED = "shared_span"
#: Samples up to this quantile of commonness keep weight 1, and none falls below the floor (our choices).
QUANTILE = 0.5
FLOOR = 0.1
#: Cells of the count table per sample, in powers of two from 2^20 to 2^27.
CELLS_PER_SAMPLE = 100


def find_boilerplate(samples: pl.DataFrame, config: PurgeConfig) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """SPANS, SPAN_PLACES, and FIRED rows whose `value` is the share of the response that lies inside spans."""
    if config.shared_span_texts is None:
        return SPANS.to_frame(), SPAN_PLACES.to_frame(), FIRED.to_frame()
    responses = with_text(samples).select("id", "response").with_row_index("row")
    spans, places = shared_spans(responses["response"].to_list(), config.shared_span_tokens, config.shared_span_texts)
    located = places.join(responses.with_columns(pl.col("row").cast(pl.Int64)), on="row", maintain_order="left")
    fired = located.group_by("id", maintain_order=True).agg(
        value=(pl.col("end") - pl.col("start")).sum() / pl.col("response").first().str.len_chars().clip(1)
    )
    return (
        spans.select(list(SPANS)).cast(SPANS),
        located.select(list(SPAN_PLACES)).cast(SPAN_PLACES),
        fired.select("id", keep=pl.lit(True), reason=pl.lit(SHARED), value="value", turn=pl.lit(None)).cast(FIRED),
    )


def weigh(samples: pl.DataFrame) -> pl.DataFrame:
    """WEIGHTS of the samples, whole conversations against each other."""
    texts = with_text(samples).select(pl.concat_str("prompt", "response", separator="\n")).to_series().to_list()
    counts = empty_counts(1 << min(max((CELLS_PER_SAMPLE * len(texts)).bit_length(), 20), 27))
    count(texts, counts)
    common = commonness(texts, counts, len(texts))
    weight = weights(common, QUANTILE, FLOOR)
    return samples.select("id", commonness=pl.Series(common), weight=pl.Series(weight)).cast(WEIGHTS)
