"""Variants side by side: one row each, with intervals, and each one's difference to the whole method."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from entp.ablate import intervals
from entp.ablate.variants import WHOLE
from entp.estimate import Estimate

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


def compare(outcomes: Mapping[str, pl.DataFrame]) -> dict[str, dict[str, Estimate]]:
    """Estimates of every measure by variant. `outcomes` are frames of `read_outcomes`, the whole method's among them.

    Where a variant worked on the same pairs as the whole method, their difference is taken pair by pair.
    """
    return {name: _measures(frame, outcomes[WHOLE]) for name, frame in outcomes.items()}


def _measures(frame: pl.DataFrame, whole: pl.DataFrame) -> dict[str, Estimate]:
    accepted = _numbers(frame, "accepted")
    return {
        "accepted": intervals.mean(accepted),
        "accepted_difference": _difference(frame, whole),
        "rating_gain": intervals.mean(_numbers(frame, "gain")),
        "loss_first": intervals.mean(_numbers(frame, "loss_first")),
        "loss_last": intervals.mean(_numbers(frame, "loss_last")),
        "calls_per_pair": intervals.mean(_numbers(frame, "calls")),
        "tokens_per_accepted": intervals.ratio(_numbers(frame, "tokens"), accepted),
    }


def _difference(frame: pl.DataFrame, whole: pl.DataFrame) -> Estimate:
    both = frame.join(whole, on="pair_id", suffix="_whole")
    if both.height == min(frame.height, whole.height):
        return intervals.mean(_numbers(both, "accepted") - _numbers(both, "accepted_whole"))
    return intervals.difference(_numbers(frame, "accepted"), _numbers(whole, "accepted"))


def _numbers(frame: pl.DataFrame, column: str) -> np.ndarray:
    return frame[column].cast(pl.Float64).fill_null(np.nan).to_numpy()


def table(comparison: Mapping[str, Mapping[str, Estimate]], outcomes: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """One row per variant: `variant`, `pairs`, and each measure with `_low` and `_high`."""
    rows = []
    for name, measures in comparison.items():
        row: dict[str, object] = {"variant": name, "pairs": outcomes[name].height}
        for measure, estimate in measures.items():
            row |= {measure: estimate.value, f"{measure}_low": estimate.low, f"{measure}_high": estimate.high}
        rows.append(row)
    return pl.DataFrame(rows)
