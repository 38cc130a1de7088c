"""What has been said of each sample, in one table."""

from __future__ import annotations

import polars as pl

from entp.purge.scratch import Scratch

#: The reason of a sample that nothing has to be said about.
PASSED = "passed"
_COLUMNS = ("id", "keep", "reason", "value", "turn")
_WHOLE = pl.lit(None, dtype=pl.Int64).alias("turn")


def assemble_verdicts(scratch: Scratch, fired: pl.DataFrame, duplicates: pl.DataFrame) -> pl.DataFrame:
    """VERDICTS in the order of the pool, then by reason; samples without any have passed."""
    said = pl.concat(
        [
            _repaired(scratch.scan("repairs")),
            fired.select(_COLUMNS),
            duplicates.with_columns(_WHOLE, keep=pl.lit(False), value=pl.coalesce("jaccard", "cosine")).select(
                _COLUMNS
            ),
        ]
    )
    order = scratch.scan("shingles").select("id").collect().with_row_index("position")
    silent = order.select("id").join(said, on="id", how="anti")
    passed = silent.with_columns(_WHOLE, keep=pl.lit(True), reason=pl.lit(PASSED), value=pl.lit(0.0))
    return (
        pl.concat([said, passed.select(_COLUMNS)])
        .join(order, on="id", how="left")
        .sort("position", "reason")
        .select("id", pl.lit("purge").alias("stage"), "keep", "reason", "value", "turn")
    )


def _repaired(repairs: pl.LazyFrame) -> pl.DataFrame:
    """One row per sample and repair that changed it; `value` is the number of turns."""
    return (
        repairs.select("id", "turn", reason="reasons")
        .explode("reason")
        .group_by("id", "reason")
        .agg(value=pl.col("turn").n_unique().cast(pl.Float64))
        .with_columns(_WHOLE, keep=pl.lit(True))
        .select(_COLUMNS)
        .collect()
    )


def with_flags(verdicts: pl.DataFrame, flagged: pl.DataFrame) -> pl.DataFrame:
    """VERDICTS with those that were only flagged once it was known who stays; they have not just passed."""
    if flagged.is_empty():
        return verdicts
    silent = (pl.col("reason") == PASSED) & pl.col("id").is_in(flagged["id"].implode())
    added = flagged.select("id", pl.lit("purge").alias("stage"), "keep", "reason", "value", "turn")
    order = verdicts.select(pl.col("id").unique(maintain_order=True)).with_row_index("position")
    return (
        pl.concat([verdicts.filter(~silent), added])
        .join(order, on="id", how="left")
        .sort("position", "reason")
        .drop("position")
    )
