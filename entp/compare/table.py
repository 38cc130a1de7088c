"""Methods side by side: for each task the mean over seeds and items, the lead over the reference, and intervals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from entp import store
from entp.compare import intervals
from entp.errors import DataError
from entp.estimate import Estimate

#: All cells' items: ITEMS with their method and seed.
RESULTS = ("method", "seed", "task", "item", "metric", "value", "higher")


class Result(NamedTuple):
    """One method on one task. `lead` is positive where it is better than the reference; None for the reference."""

    method: str
    task: str
    metric: str
    seeds: int
    items: int
    score: Estimate
    lead: Estimate | None


def read_cells(cells: Mapping[tuple[str, int], Path]) -> pl.DataFrame:
    """RESULTS of published cells, by method and seed."""
    frames = [
        store.read(path, "items").with_columns(method=pl.lit(method), seed=pl.lit(seed, dtype=pl.Int64))
        for (method, seed), path in cells.items()
    ]
    return pl.concat(frames).select(RESULTS)


def compare(results: pl.DataFrame, reference: str) -> list[Result]:
    """Every method on every task, in the order they are met. Raises DataError where models had different items."""
    found = []
    for task, rows in results.group_by("task", maintain_order=True):
        tables = {name: _values(rows.filter(method=name)) for name in rows["method"].unique(maintain_order=True)}
        sign = 1.0 if rows["higher"][0] else -1.0
        if len({tuple(items) for items, _ in tables.values()}) > 1:
            raise DataError(f"compare: the methods were not asked the same items of {task[0]}; run the cells again")
        for method, (items, values) in tables.items():
            against = None if method == reference or reference not in tables else tables[reference][1]
            lead = None if against is None else intervals.lead(sign * values, sign * against)
            score = intervals.mean(values)
            found.append(Result(method, str(task[0]), rows["metric"][0], len(values), len(items), score, lead))
    return found


def as_frame(found: list[Result]) -> pl.DataFrame:
    """One row per method and task: `score`, `lead`, each with `_low` and `_high`."""
    rows = []
    for result in found:
        row: dict[str, object] = {
            "method": result.method, "task": result.task, "metric": result.metric, "seeds": result.seeds,
            "items": result.items,
        }  # fmt: skip
        for name, estimate in (("score", result.score), ("lead", result.lead or Estimate(*[float("nan")] * 3))):
            row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
        rows.append(row)
    return pl.DataFrame(rows)


def _values(rows: pl.DataFrame) -> tuple[list[str], np.ndarray]:
    """The items in order, and the values [seeds, items]."""
    wide = rows.pivot("item", index="seed", values="value").sort("seed").drop("seed")
    items = sorted(wide.columns)
    return items, wide.select(items).to_numpy()
