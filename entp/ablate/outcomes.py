"""What became of each pair under one variant, as one row per worked pair."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from entp import store
from entp.records import ACCEPTED_STATUSES


def read_outcomes(mix: Path) -> pl.DataFrame:
    """`pair_id`, `accepted`, `loss_first`, `loss_last`, `gain`, `calls` and `tokens` of the pairs a run worked on.

    `gain` is the rating of the method's own draft less that of the better parent, whether or not it was accepted;
    null where one of them has no rating.
    """
    fusions = store.read(mix, "fusions").filter(pl.col("status") != "over_budget")
    return fusions.select(
        "pair_id",
        pl.col("status").is_in(ACCEPTED_STATUSES).alias("accepted"),
        "loss_first",
        "loss_last",
        pl.col("trace").map_elements(_gain, return_dtype=pl.Float64).alias("gain"),
        "calls",
        (pl.col("tokens_in") + pl.col("tokens_out")).alias("tokens"),
    )


def _gain(trace: str) -> float | None:
    ratings = json.loads(trace)["ratings"]
    own = ratings["rewritten"] if ratings["fused"] is None else ratings["fused"]
    parents = (ratings["parent_a"], ratings["parent_b"])
    return None if own is None or None in parents else float(own - max(parents))
