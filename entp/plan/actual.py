"""Planned against actual, once `mix` has run; only where the plan was made for what has run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from entp import loop, store
from entp.errors import DataError
from entp.plan import record
from entp.plan.record import Plan, Range
from entp.plan.wording import NAMES, number
from entp.store import Summary


@dataclass(frozen=True)
class Row:
    """One planned quantity and what it came to; `ratio` is actual to expected, None where nothing was expected."""

    name: str
    planned: Range
    actual: float

    @property
    def ratio(self) -> float | None:
        return self.actual / self.planned.expected if self.planned.expected else None


@dataclass(frozen=True)
class Comparison:
    """Rows, or the reason why there are none."""

    rows: tuple[Row, ...] = ()
    stale: str | None = None


def compare(run: Path) -> Comparison | None:
    """The plan of a run folder against its published `mix`; None where one of the two is not there.

    Time is that of the last session of `mix`: one that was killed and went on took longer.
    """
    manifest = store.read_manifest(run / "mix")
    if manifest is None or not store.is_current(run / "mix"):
        return None
    try:
        plan = record.read(run)
    except DataError as error:
        return Comparison(stale=str(error))
    if plan is None:
        return None
    if changed := record.differences(plan, manifest):
        return Comparison(stale=f"{run / record.FILE_NAME} was made for {' and '.join(changed)}")
    actual = _actual(run, plan)
    return Comparison(tuple(Row(name, planned, actual[name]) for name, planned in plan.ranges()))


def closing_lines(run: Path) -> list[str]:
    """Planned against actual in a few lines for the terminal; none where nothing was planned."""
    compared = compare(run)
    if compared is None:
        return []
    if compared.stale:
        return [f"[bold]plan[/]      not compared: {compared.stale}"]
    shown = [f"{NAMES[row.name]} {number(row.actual)} of {number(row.planned.expected)}" for row in compared.rows]
    return [f"[bold]plan[/]      actual of planned: {', '.join(shown)}"]


def summary(run: Path) -> Summary | None:
    """What a tracker logs as `plan/...`: the planned figures, and actual to planned."""
    compared = compare(run)
    if compared is None or compared.stale:
        return None
    metrics: dict[str, float] = {}
    for row in compared.rows:
        metrics |= {f"{row.name}_{end}": value for end, value in row.planned}
        if row.ratio is not None:
            metrics[f"{row.name}_actual_ratio"] = row.ratio
    return Summary("plan", metrics)


def _actual(run: Path, plan: Plan) -> dict[str, float]:
    metrics = store.read_summary(run / "mix").metrics
    hours = float(loop.read_metrics(run)["mix"]["seconds"]) / 3600
    turned_down = sum(count for name, count in metrics.items() if name.startswith("reason/audit_"))
    return {
        **{name: metrics[name] for name in ("tokens_in", "tokens_out", "cost")},
        "accepted": metrics["accepted"] + turned_down,
        "calls": metrics["requests"],
        "tokens": metrics["tokens_in"] + metrics["tokens_out"],
        "hours": hours,
        "gpu_hours": hours * plan.gpus,
    }
