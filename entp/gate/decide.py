"""The decision itself, on plain numbers: paired differences over the same items, task by task (our choice)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

PAIRING = ["task", "subtask", "item", "metric"]


@dataclass(frozen=True)
class Comparison:
    """One task: mean scores over the items both models answered, and the standard error of their difference."""

    task: str
    challenger: float
    champion: float
    stderr: float
    items: int

    @property
    def gain(self) -> float:
        return self.challenger - self.champion


@dataclass(frozen=True)
class Verdict:
    """Whether the challenger wins, why in one sentence, and the mean gain over tasks with its standard error."""

    promoted: bool
    reason: str
    gain: float
    stderr: float


def compare(challenger: pl.DataFrame, champion: pl.DataFrame, higher_is_better: dict[str, bool]) -> list[Comparison]:
    """Compare two models' item values (`task`, `subtask`, `item`, `metric`, `value`), one headline metric per task.

    Only items that both have count. `higher_is_better` is by task; values of the other kind are negated.
    """
    paired = challenger.join(champion, on=PAIRING, suffix="_champion")
    comparisons = []
    for task, better in higher_is_better.items():
        rows = paired.filter(pl.col("task") == task)
        if rows.height == 0:
            continue
        sign = 1.0 if better else -1.0
        own, other = rows["value"].to_numpy() * sign, rows["value_champion"].to_numpy() * sign
        difference = own - other
        stderr = float(difference.std(ddof=1) / math.sqrt(len(difference))) if len(difference) > 1 else math.inf
        comparisons.append(Comparison(task, float(own.mean()), float(other.mean()), stderr, len(difference)))
    return comparisons


def decide(comparisons: Sequence[Comparison], noise_multiple: float, max_regression: float) -> Verdict:
    """Promote where the mean gain exceeds `noise_multiple` standard errors and no task falls by `max_regression`.

    A gain of exactly nothing never promotes, however small the noise.
    """
    if not comparisons:
        return Verdict(False, "the two models have no evaluation item in common, so nothing can be said", 0.0, 0.0)
    count = len(comparisons)
    gain = sum(comparison.gain for comparison in comparisons) / count
    stderr = math.sqrt(sum(comparison.stderr**2 for comparison in comparisons)) / count
    fallen = [c for c in comparisons if c.gain < 0 and c.gain < -max_regression * c.stderr]
    if fallen:
        worst = min(fallen, key=lambda comparison: comparison.gain)
        fall = f"{worst.task} fell from {worst.champion:.3f} to {worst.challenger:.3f}"
        reason = f"{fall}, more than its noise ({worst.stderr:.3f})"
        return Verdict(False, reason, gain, stderr)
    figures = f"the mean gain over {count} tasks is {gain:+.4f}, with a standard error of {stderr:.4f}"
    if gain > 0 and gain > noise_multiple * stderr:
        return Verdict(True, f"{figures}: beyond the noise, and no task fell beyond its own", gain, stderr)
    return Verdict(False, f"{figures}: not beyond the noise ({noise_multiple:g} standard errors)", gain, stderr)
