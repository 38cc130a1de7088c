"""The decision itself, on plain tables: paired differences over the same items, task by task (our choice)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

PAIRING = ["task", "subtask", "item", "metric"]
OVERALL = "overall"
#: With fewer items in common no standard error is believed (our choice).
FEWEST_ITEMS = 10


@dataclass(frozen=True)
class Scored:
    """A model's evaluation: rows of EVALUATION_SCORES and EVALUATION_ITEMS without the column `model`."""

    scores: pl.DataFrame
    items: pl.DataFrame


@dataclass(frozen=True)
class Comparison:
    """One task: both models' scores, the gain (positive is better) and the standard error of the gain.

    `stderr` is infinite where there is too little to tell.
    """

    task: str
    challenger: float
    champion: float
    gain: float
    stderr: float


@dataclass(frozen=True)
class Verdict:
    """Whether the challenger wins, why in one clause, and the mean gain over tasks with its standard error."""

    promoted: bool
    reason: str
    gain: float
    stderr: float


def compare(challenger: Scored, champion: Scored) -> list[Comparison]:
    """Compare two models by the headline metric of each task that both were scored on.

    Where the metric is a mean over items, only items that both have count, and their differences are paired; else the
    two standard errors are taken as independent. A task whose items are all different is left out.
    """
    headlines = challenger.scores.filter("headline").join(
        champion.scores, on=["task", "metric"], suffix="_champion", maintain_order="left"
    )
    paired = challenger.items.join(champion.items, on=PAIRING, suffix="_champion")
    with_items = set(challenger.items["task"]) & set(champion.items["task"])
    comparisons = []
    for row in headlines.iter_rows(named=True):
        sign = 1.0 if row["higher_is_better"] else -1.0
        pairs = paired.filter(task=row["task"], metric=row["metric"])
        if pairs.height:
            comparisons.append(_paired(row["task"], pairs, sign))
        elif row["task"] not in with_items:
            comparisons.append(_independent(row, sign))
    return comparisons


def decide(
    comparisons: Sequence[Comparison], noise_multiple: float, max_regression: float, min_gain: float = 0.0
) -> Verdict:
    """Promote where the mean gain exceeds `min_gain` by `noise_multiple` standard errors, and no task falls by
    `max_regression` of its own.

    A gain of exactly nothing never promotes, however small the noise.
    """
    if not comparisons:
        return Verdict(False, "the two models have no evaluation item in common, so nothing can be said", 0.0, math.inf)
    count = len(comparisons)
    gain = sum(comparison.gain for comparison in comparisons) / count
    stderr = math.sqrt(sum(comparison.stderr**2 for comparison in comparisons)) / count
    fallen = [c for c in comparisons if c.gain < 0 and c.gain < -max_regression * c.stderr]
    if fallen:
        worst = min(fallen, key=lambda comparison: comparison.gain)
        change = f"{worst.task} went from {worst.champion:.3f} to {worst.challenger:.3f}"
        return Verdict(False, f"{change}, worse by more than its noise ({_noise(worst.stderr)})", gain, stderr)
    tasks = "1 task" if count == 1 else f"{count} tasks"
    figures = f"the mean gain over {tasks} is {gain:+.4f}, with {_noise(stderr)}"
    if 0 < gain < min_gain:
        return Verdict(False, f"{figures}: less than gate.min_gain={min_gain:g} asks for", gain, stderr)
    if gain > 0 and gain - min_gain > noise_multiple * stderr:
        return Verdict(True, f"{figures}: beyond the noise, and no task got worse beyond its own", gain, stderr)
    beyond = "the noise" if min_gain == 0 else f"gate.min_gain={min_gain:g} by the noise"
    return Verdict(False, f"{figures}: not beyond {beyond} ({noise_multiple:g} standard errors)", gain, stderr)


def _paired(task: str, pairs: pl.DataFrame, sign: float) -> Comparison:
    own, other = pairs["value"].to_numpy(), pairs["value_champion"].to_numpy()
    difference = (own - other) * sign
    return Comparison(task, float(own.mean()), float(other.mean()), float(difference.mean()), _stderr(own, other))


def _stderr(own: np.ndarray, other: np.ndarray) -> float:
    """Standard error of the mean paired difference.

    Right-or-wrong items get half a count in each cell of the two-by-two table first (Agresti and Min 2005): that no
    answer changed on these items does not prove that none would on others.
    """
    count, difference = len(own), own - other
    if count < FEWEST_ITEMS:
        return math.inf
    if np.isin(own, (0, 1)).all() and np.isin(other, (0, 1)).all():
        changed, net = np.abs(difference).sum() + 1, difference.sum()
        return math.sqrt(changed - net**2 / (count + 2)) / (count + 2)
    return float(difference.std(ddof=1)) / math.sqrt(count)


def _independent(row: dict[str, float], sign: float) -> Comparison:
    errors = (row["stderr"], row["stderr_champion"])
    stderr = math.inf if None in errors else math.hypot(*errors)
    gain = (row["value"] - row["value_champion"]) * sign
    return Comparison(str(row["task"]), row["value"], row["value_champion"], gain, stderr)


def _noise(stderr: float) -> str:
    return f"a standard error of {stderr:.4f}" if math.isfinite(stderr) else "too few items to know its standard error"
