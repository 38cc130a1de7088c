"""Boilerplate: spans that many responses share word for word, where `purge.shared_span_texts` asks for it. A flag."""

from __future__ import annotations

import polars as pl

from entp.config import PurgeConfig
from entp.purge.apply_rules import FIRED
from entp.purge.duplicates.substrings import shared_spans
from entp.records import SPAN_PLACES, SPANS, with_text

SHARED = "shared_span"


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
        fired.select("id", keep=pl.lit(True), reason=pl.lit(SHARED), value="value").cast(FIRED),
    )
