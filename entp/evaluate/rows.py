"""From what lm-evaluation-harness returns to the rows of our two tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class TaskFacts:
    """What the rows need to know of a leaf task: its metrics in the order of its YAML, those that are plain means of
    the items' values, and those of which less is better."""

    owner: str
    metrics: tuple[str, ...]
    means: frozenset[str]
    lower_is_better: frozenset[str]


@dataclass(frozen=True)
class Outcome:
    """A model's rows, without the `model` column."""

    scores: list[Row]
    items: list[Row]


def outcome_of(results: Mapping[str, Any], facts: Mapping[str, TaskFacts]) -> Outcome:
    """Scores of every task or group asked for, its headline metric first, and the items behind them."""
    items = [row for leaf, fact in facts.items() for row in item_rows(leaf, fact, results["samples"][leaf])]
    scores: list[Row] = []
    for owner in dict.fromkeys(fact.owner for fact in facts.values()):
        leaves = {leaf: fact for leaf, fact in facts.items() if fact.owner == owner}
        scores += score_rows(owner, leaves, results["results"], items)
    return Outcome(scores, items)


def joined(one: Outcome, other: Outcome) -> Outcome:
    """The rows of both, of one model on different tasks."""
    return Outcome(one.scores + other.scores, one.items + other.items)


def item_rows(leaf: str, fact: TaskFacts, samples: Iterable[Mapping[str, Any]]) -> list[Row]:
    """One row per item and metric, where the score is the mean of its items.

    `item` is position and content, so that only identical items are ever paired.
    """
    rows = []
    for sample in sorted(samples, key=lambda sample: int(sample["doc_id"])):
        for metric in sample["metrics"]:
            value = sample[metric]
            if metric not in fact.means or not isinstance(value, int | float) or math.isnan(value):
                continue
            rows.append(
                {
                    "task": fact.owner,
                    "subtask": leaf,
                    "item": f"{sample['doc_id']}-{sample['doc_hash'][:12]}",
                    "metric": label(metric, sample["filter"]),
                    "value": float(value),
                }
            )
    return rows


def score_rows(
    owner: str, leaves: Mapping[str, TaskFacts], results: Mapping[str, Mapping[str, Any]], items: Sequence[Row]
) -> list[Row]:
    """The figures of one task or group. A group without figures of its own gets the mean over its items."""
    fact = next(iter(leaves.values()))
    figures = _figures(results.get(owner, {}), fact)
    if not figures:
        figures = _pooled(owner, _figures(results[next(iter(leaves))], fact), items)
    count = sum(int(results[leaf]["sample_len"]) for leaf in leaves)
    return [
        {
            "task": owner,
            "metric": metric,
            "value": value,
            "stderr": stderr,
            "items": count,
            "headline": place == 0,
            "higher_is_better": metric.split(",")[0] not in fact.lower_is_better,
        }
        for place, (metric, value, stderr) in enumerate(figures)
    ]


def label(metric: str, filter_name: str) -> str:
    """`acc`; with a named filter `exact_match,strict-match`, as the harness prints it."""
    return metric if filter_name == "none" else f"{metric},{filter_name}"


def _figures(result: Mapping[str, Any], fact: TaskFacts) -> list[tuple[str, float, float | None]]:
    """(metric, value, stderr) in the order of the task's YAML: the first is the headline (our choice)."""
    keys = [key for key in result if "," in key and not key.split(",")[0].endswith("_stderr")]
    keys.sort(key=lambda key: fact.metrics.index(key.split(",")[0]) if key.split(",")[0] in fact.metrics else len(keys))
    figures = []
    for key in keys:
        metric, _, filter_name = key.partition(",")
        stderr = result.get(f"{metric}_stderr,{filter_name}")
        known = isinstance(stderr, int | float) and not math.isnan(stderr)
        figures.append((label(metric, filter_name), float(result[key]), float(stderr) if known else None))  # type: ignore[arg-type]
    return figures


def _pooled(
    owner: str, like: list[tuple[str, float, float | None]], items: Sequence[Row]
) -> list[tuple[str, float, float | None]]:
    figures = []
    for metric, _, _ in like:
        values = [row["value"] for row in items if row["task"] == owner and row["metric"] == metric]
        if values:
            figures.append((metric, math.fsum(values) / len(values), standard_error(values)))
    return figures


def standard_error(values: Sequence[float]) -> float | None:
    """Standard error of the mean; None for fewer than two values."""
    if len(values) < 2:
        return None
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values))
