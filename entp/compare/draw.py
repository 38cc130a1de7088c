"""Pictures of a comparison: leads with their intervals, and what each method costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from entp.compare.table import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOUR = "#1f5f8b"


def forest_plot(compared: Sequence[Result], reference: str) -> Figure:
    """A panel per task, a line per method: its lead over the reference. Right of the rule is better."""
    from matplotlib.figure import Figure

    tasks = list(dict.fromkeys(result.task for result in compared))
    methods = list(dict.fromkeys(result.method for result in compared if result.lead is not None))
    figure = Figure(figsize=(3.4 * len(tasks) + 1, 0.34 * len(methods) + 1.4))
    panels = figure.subplots(1, len(tasks), sharey=True, squeeze=False)[0]
    for panel, task in zip(panels, tasks, strict=True):
        for result in compared:
            if result.task == task and result.lead is not None:
                _interval(panel, methods.index(result.method), result)
        panel.axvline(0, color="#999999", linewidth=0.8, linestyle="--")
        metric = next(result.metric for result in compared if result.task == task)
        panel.set_title(f"{task} ({metric})", fontsize=9)
        panel.set_xlabel(f"lead over {reference}", fontsize=8)
        panel.tick_params(labelsize=8)
    panels[0].set_yticks(range(len(methods)), methods)
    panels[0].invert_yaxis()
    return figure


def cost_plot(compared: Sequence[Result], costs: Mapping[str, float], reference: str) -> Figure:
    """A panel per task: tokens that a model read or wrote to choose or make the rows, against the lead."""
    from matplotlib.figure import Figure

    tasks = list(dict.fromkeys(result.task for result in compared))
    figure = Figure(figsize=(3.6 * len(tasks) + 1, 3.6))
    panels = figure.subplots(1, len(tasks), squeeze=False)[0]
    for panel, task in zip(panels, tasks, strict=True):
        for result in compared:
            if result.task == task and result.lead is not None:
                place = (costs.get(result.method, 0.0), result.lead.value)
                panel.plot(*place, "o", color=COLOUR)
                panel.annotate(result.method, place, fontsize=6, xytext=(3, 3), textcoords="offset points")
        panel.set_xscale("symlog", linthresh=1000)
        panel.margins(x=0.2)  # room for the last names
        panel.axhline(0, color="#999999", linewidth=0.8, linestyle="--")
        panel.set_title(task, fontsize=9)
        panel.set_xlabel("model tokens to choose or make the rows", fontsize=8)
        panel.tick_params(labelsize=8)
    panels[0].set_ylabel(f"lead over {reference}", fontsize=8)
    return figure


def _interval(panel: object, place: int, result: Result) -> None:
    value, low, high = result.lead  # type: ignore[misc]
    reach = None if math.isnan(low) else [[value - low], [high - value]]
    panel.errorbar([value], [place], xerr=reach, fmt="o", color=COLOUR, capsize=3)  # type: ignore[attr-defined]
