"""Variants side by side: what became of each one's pairs, and its measures with intervals, beside the whole method."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from entp import bootstrap, store
from entp.ablate.variants import WHOLE
from entp.bootstrap import Estimate
from entp.records import ACCEPTED_STATUSES

#: Measures of a variant, with what they mean, in the order of the table.
MEASURES: dict[str, str] = {
    "accepted": "share of the worked pairs that gave an accepted sample",
    "accepted_difference": "the same, less the whole method's",
    "rating_gain": "rating of the draft less the better parent's",
    "loss_first": "symbolic loss of the first complete candidate",
    "loss_last": "symbolic loss of the last best candidate",
    "calls_per_pair": "requests per worked pair",
    "tokens_per_accepted": "tokens, in and out, per accepted sample",
}


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


def compare(outcomes: Mapping[str, pl.DataFrame]) -> dict[str, dict[str, Estimate]]:
    """Estimates of every measure by variant. `outcomes` are frames of `read_outcomes`, the whole method's among them.

    Where a variant worked on the same pairs as the whole method, their difference is taken pair by pair.
    """
    return {name: _measures(frame, outcomes[WHOLE]) for name, frame in outcomes.items()}


def table(comparison: Mapping[str, Mapping[str, Estimate]], outcomes: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """One row per variant: `variant`, `pairs`, and each measure with `_low` and `_high`."""
    rows = []
    for name, measures in comparison.items():
        row: dict[str, object] = {"variant": name, "pairs": outcomes[name].height}
        for measure, estimate in measures.items():
            row |= {measure: estimate.value, f"{measure}_low": estimate.low, f"{measure}_high": estimate.high}
        rows.append(row)
    return pl.DataFrame(rows)


def _measures(frame: pl.DataFrame, whole: pl.DataFrame) -> dict[str, Estimate]:
    accepted = _numbers(frame, "accepted")
    return {
        "accepted": bootstrap.mean(accepted),
        "accepted_difference": _difference(frame, whole),
        "rating_gain": bootstrap.mean(_numbers(frame, "gain")),
        "loss_first": bootstrap.mean(_numbers(frame, "loss_first")),
        "loss_last": bootstrap.mean(_numbers(frame, "loss_last")),
        "calls_per_pair": bootstrap.mean(_numbers(frame, "calls")),
        "tokens_per_accepted": bootstrap.ratio(_numbers(frame, "tokens"), accepted),
    }


def _difference(frame: pl.DataFrame, whole: pl.DataFrame) -> Estimate:
    both = frame.join(whole, on="pair_id", suffix="_whole")
    if both.height == min(frame.height, whole.height):
        return bootstrap.mean(_numbers(both, "accepted") - _numbers(both, "accepted_whole"))
    return bootstrap.difference(_numbers(frame, "accepted"), _numbers(whole, "accepted"))


def _gain(trace: str) -> float | None:
    ratings = json.loads(trace)["ratings"]
    own = ratings["rewritten"] if ratings["fused"] is None else ratings["fused"]
    parents = (ratings["parent_a"], ratings["parent_b"])
    return None if own is None or None in parents else float(own - max(parents))


def _numbers(frame: pl.DataFrame, column: str) -> np.ndarray:
    return frame[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
