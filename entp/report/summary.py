"""Figures of a run as plain data: what `summary.json` holds and the tables of the report show."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from entp import accounting, loop, store
from entp.config import Config
from entp.plan import actual
from entp.stages import NAMES

SUMMARY = "summary.json"


@dataclass(frozen=True)
class EvaluationRow:
    """One task before and after training; higher is better unless the metric's name says otherwise."""

    task: str
    metric: str
    items: int
    before: float
    before_stderr: float
    after: float
    after_stderr: float


@dataclass(frozen=True)
class RaterRow:
    """What one rater gave. `counts` are those of the scores 0 to 5; effects are None where they cannot be told."""

    rater: str
    counts: tuple[int, ...]
    unrated: tuple[tuple[str, int], ...]
    mean_expected: float | None
    length_correlation: float | None
    source_share: float | None


@dataclass(frozen=True)
class CostRow:
    """What one stage cost: requests and tokens count cached replies too; `seconds` is wall time of its last run."""

    stage: str
    seconds: float
    requests: int
    tokens_in: int
    tokens_out: int
    cost: float


def evaluation_rows(run: Path) -> list[EvaluationRow]:
    """Scores before and after training, one row per task and metric."""
    scores = store.read(run / "evaluate", "scores")
    before = scores.filter(pl.col("model") == "before")
    after = scores.filter(pl.col("model") == "after")
    joined = before.join(after, on=["task", "metric"], suffix="_after", maintain_order="left")
    return [
        EvaluationRow(
            row["task"],
            row["metric"],
            row["items"],
            row["value"],
            row["stderr"] or 0.0,
            row["value_after"],
            row["stderr_after"] or 0.0,
        )
        for row in joined.iter_rows(named=True)
    ]


def rater_rows(run: Path) -> list[RaterRow]:
    """Every rater's scores, statuses and effects, in the order they rated."""
    ratings = store.read(run / "rate", "ratings")
    metrics = store.read_summary(run / "rate").metrics
    rows = []
    for rater in ratings["rater"].unique(maintain_order=True):
        own = ratings.filter(rater=rater)
        scores = Counter(own["score"].drop_nulls().to_list())
        unrated = Counter(own.filter(pl.col("status") != "rated")["status"].to_list())
        rows.append(
            RaterRow(
                rater,
                tuple(scores[score] for score in range(6)),
                tuple(sorted(unrated.items())),
                own.select(pl.col("expected").mean()).item(),
                metrics.get(f"{rater}/length_correlation"),
                metrics.get(f"{rater}/source_share"),
            )
        )
    return rows


def cost_rows(run: Path) -> list[CostRow]:
    """The bill, by stage, in pipeline order."""
    return [
        CostRow(
            name,
            float(metrics["seconds"]),
            int(metrics.get("requests", 0)),
            int(metrics.get("tokens_in", 0)),
            int(metrics.get("tokens_out", 0)),
            float(metrics.get("cost", 0.0)),
        )
        for name, metrics in loop.read_metrics(run).items()
    ]


def write_summary(run: Path, config: Config, tracking: Mapping[str, str]) -> Path:
    """Write `summary.json`: configuration, funnel, every metric, notes, planned against actual, and the MLflow run."""
    published = [name for name in NAMES if store.is_current(run / name)]
    content = {
        "config": config.model_dump(mode="json"),
        "funnel": accounting.funnel(run).to_dicts(),
        "metrics": loop.read_metrics(run),
        "notes": {name: list(store.read_summary(run / name).notes) for name in published},
        "plan": planned_against_actual(run),
        "tracking": dict(tracking),
    }
    path = run / SUMMARY
    store.write_json(path, content)
    return path


def planned_against_actual(run: Path) -> dict[str, dict[str, float]]:
    """By quantity: `expected`, `low` and `high` planned, and `actual`; nothing without a plan for this run."""
    compared = actual.compare(run)
    rows = compared.rows if compared else ()
    return {row.name: {**row.planned.model_dump(), "actual": row.actual} for row in rows}


def read_summary(run: Path) -> dict[str, Any]:
    """What `write_summary` wrote, or nothing where it has not run."""
    path = run / SUMMARY
    return json.loads(path.read_text()) if path.is_file() else {}
