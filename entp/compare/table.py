"""Methods side by side: for each task the mean over seeds and items, the lead over the reference, and intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from entp import bootstrap
from entp.bootstrap import Estimate
from entp.errors import DataError


class Result(NamedTuple):
    """One method on one task. `lead` is positive where it is better than the reference; None for the reference."""

    method: str
    task: str
    metric: str
    seeds: int
    items: int
    score: Estimate
    lead: Estimate | None


def compare(results: pl.DataFrame, reference: str) -> list[Result]:
    """Every method on every task of RESULTS, in the order they are met.

    Raises DataError where models had different items.
    """
    compared = []
    for task, rows in results.group_by("task", maintain_order=True):
        tables = {name: _values(rows.filter(method=name)) for name in rows["method"].unique(maintain_order=True)}
        sign = 1.0 if rows["higher"][0] else -1.0
        if len({tuple(items) for items, _ in tables.values()}) > 1:
            raise DataError(f"compare: the methods were not asked the same items of {task[0]}; run the cells again")
        for method, (items, values) in tables.items():
            against = None if method == reference or reference not in tables else tables[reference][1]
            lead = None if against is None else bootstrap.two_way_lead(sign * values, sign * against)
            score = bootstrap.two_way_mean(values)
            compared.append(Result(method, str(task[0]), rows["metric"][0], len(values), len(items), score, lead))
    return compared


def as_frame(compared: Sequence[Result]) -> pl.DataFrame:
    """One row per method and task: `score`, `lead`, each with `_low` and `_high`."""
    rows = []
    for result in compared:
        row: dict[str, object] = {
            "method": result.method, "task": result.task, "metric": result.metric, "seeds": result.seeds,
            "items": result.items,
        }  # fmt: skip
        for name, estimate in (("score", result.score), ("lead", result.lead or bootstrap.UNKNOWN)):
            row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
        rows.append(row)
    return pl.DataFrame(rows)


def as_markdown(compared: Sequence[Result], reference: str) -> str:
    """A row per method; per task its score and its lead over the reference, each with its interval where it has one."""
    by_place = {(result.method, result.task): result for result in compared}
    tasks = list(dict.fromkeys((result.task, result.metric) for result in compared))
    columns = [name for task, metric in tasks for name in (f"{task} ({metric})", f"lead over {reference}")]
    lines = [f"| method | seeds | {' | '.join(columns)} |", "|---|---:|" + "---:|" * len(columns)]
    for method in dict.fromkeys(result.method for result in compared):
        results = [by_place.get((method, task)) for task, _ in tasks]
        seeds = max(result.seeds for result in results if result)
        cells = [cell for result in results for cell in _cells(result)]
        lines.append(f"| {method} | {seeds} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _cells(result: Result | None) -> tuple[str, str]:
    """Score and lead as text; a dash where the method was not asked the task, nothing where there is no lead."""
    if result is None:
        return "-", "-"
    return _text(result.score, ".4f"), _text(result.lead, "+.4f") if result.lead else ""


def _text(estimate: Estimate, form: str) -> str:
    value, low, high = (format(number, form) for number in estimate)
    return value if math.isnan(estimate.low) else f"{value} ({low} .. {high})"


def _values(rows: pl.DataFrame) -> tuple[list[str], np.ndarray]:
    """The items in order, and the values [seeds, items]."""
    wide = rows.pivot("item", index="seed", values="value").sort("seed").drop("seed")
    items = sorted(wide.columns)
    return items, wide.select(items).to_numpy()
