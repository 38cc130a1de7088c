"""Results of a comparison, written by hand."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from entp.compare.items import RESULTS


def results(
    method: str, seed: int, values: Sequence[float], task: str = "quiz", metric: str = "acc", higher: bool = True
) -> pl.DataFrame:
    """One cell: a value for each item of a task."""
    rows = [(method, seed, task, f"item{place}", metric, value, higher) for place, value in enumerate(values)]
    return pl.DataFrame(rows, schema=RESULTS, orient="row")
