"""What the models of a comparison are scored on: one value for each item of each task."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from entp import store
from entp.errors import DataError

#: The held-out rows as a task: the loss on each, of which less is better.
HELD_OUT = "held_out"
#: One model's value on one item; `higher` says whether more is better.
ITEMS = pl.Schema(
    {"task": pl.String, "item": pl.String, "metric": pl.String, "value": pl.Float64, "higher": pl.Boolean}
)
#: All cells' items, with their method and seed.
RESULTS = pl.Schema([("method", pl.String), ("seed", pl.Int64), *ITEMS.items()])


def held_out_items(losses: pl.DataFrame) -> pl.DataFrame:
    """ITEMS of the `loss` on each held-out row (`id`)."""
    return losses.select(
        task=pl.lit(HELD_OUT), item="id", metric=pl.lit("loss"), value="loss", higher=pl.lit(value=False)
    ).cast(ITEMS)


def headline_items(scores: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """ITEMS of one model's evaluation, by each task's headline metric.

    `scores` and `items` are rows of EVALUATION_SCORES and EVALUATION_ITEMS. Raises DataError where such a metric is no
    mean over items.
    """
    headlines = scores.filter("headline").select("task", "metric", higher="higher_is_better")
    rows = items.join(headlines, on=["task", "metric"], maintain_order="left")
    missing = sorted(set(headlines["task"]) - set(rows["task"]))
    if missing:
        raise DataError(
            f"compare: the headline metric of {missing[0]} is no mean over items, so models can't be paired on it; "
            "leave it out of evaluate.tasks"
        )
    return rows.with_columns(item=pl.concat_str("subtask", "item", separator="/")).select(list(ITEMS)).cast(ITEMS)


def as_results(items: pl.DataFrame, method: str, seed: int) -> pl.DataFrame:
    """ITEMS of one cell as RESULTS."""
    return items.with_columns(method=pl.lit(method), seed=pl.lit(seed, dtype=pl.Int64)).select(list(RESULTS))


def read_cells(cells: Mapping[tuple[str, int], Path]) -> pl.DataFrame:
    """RESULTS of published cells, by method and seed."""
    return pl.concat(as_results(store.read(path, "items"), method, seed) for (method, seed), path in cells.items())
