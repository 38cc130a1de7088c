"""What the command `entp plan` does and prints."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape
from rich.table import Table

from entp.config import Config
from entp.plan import record
from entp.plan.make import make_plan
from entp.plan.record import Plan
from entp.plan.wording import NAMES, interval, number, remarks
from entp.progress import console


def plan_and_show(config: Config, output: Path, pairs: int) -> None:
    """Plan the stage `mix` of a run folder from a pilot, keep the plan as `plan.json`, and print it."""
    plan = make_plan(config, output, pairs)
    path = record.write(output, plan)
    console.print(_table(plan))
    for remark in remarks(plan):
        console.print(f"  {escape(remark)}", highlight=False)
    console.print(f"[bold]plan[/]      {path}", highlight=False)


def _table(plan: Plan) -> Table:
    table = Table(title=f"What mix will take for {plan.worked:,} pairs", title_justify="left", header_style="bold")
    for name in ("", "expected", "90 % interval"):
        table.add_column(name, justify="right" if name else "left")
    for name, planned in plan.ranges():
        table.add_row(NAMES[name], number(planned.expected), "exact" if plan.exact else interval(planned))
    return table
