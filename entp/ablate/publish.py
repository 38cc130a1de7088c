"""The comparison as a CSV file, a forest plot, and MLflow runs: one for the whole, a child for each variant."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from entp import params, store
from entp.bootstrap import Estimate
from entp.config import Config
from entp.store import Summary
from entp.track.client import tracking_uri
from entp.track.run import open_run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Comparison = Mapping[str, Mapping[str, Estimate]]
CSV, FIGURE = "comparison.csv", "comparison.svg"
#: Measures that are drawn.
DRAWN = ("accepted", "rating_gain", "loss_last", "tokens_per_accepted")


def write(table: pl.DataFrame, comparison: Comparison, folder: Path) -> None:
    """The table and the plot, in `folder`."""
    table.write_csv(folder / CSV)
    forest_plot(comparison).savefig(folder / FIGURE, bbox_inches="tight")


def forest_plot(comparison: Comparison) -> Figure:
    """One panel per drawn measure, one line per variant, with its interval; the whole method's value as a rule."""
    from matplotlib.figure import Figure

    names = list(comparison)
    figure = Figure(figsize=(3.2 * len(DRAWN), 0.42 * len(names) + 1.4))
    panels = figure.subplots(1, len(DRAWN), sharey=True)
    for panel, measure in zip(panels, DRAWN, strict=True):
        for place, name in enumerate(names):
            value, low, high = comparison[name][measure]
            if math.isfinite(value):
                reach = [[value - low], [high - value if math.isfinite(high) else 0]]
                panel.errorbar([value], [place], xerr=reach, fmt="o", color="#1f5f8b", capsize=3)
        reference = comparison[names[0]][measure].value
        if math.isfinite(reference):
            panel.axvline(reference, color="#999999", linewidth=0.8, linestyle="--")
        panel.set_title(measure.replace("_", " "), fontsize=9)
        panel.tick_params(labelsize=8)
    panels[0].set_yticks(range(len(names)), names)
    panels[0].invert_yaxis()
    return figure


def log(comparison: Comparison, settings: Mapping[str, Config], output: Path) -> Mapping[str, str]:
    """Log files, settings and measures; returns where the run can be found (nothing with tracking off)."""
    folder = output / "ablate"
    whole = next(iter(settings.values()))
    name, uri = f"{whole.track.run_name or output.resolve().name}-ablate", tracking_uri(whole, output)
    with open_run(params.changed(whole, [f"track.run_name={name}", f"track.uri={uri}"]), folder) as tracker:
        for file in (CSV, FIGURE):
            tracker.log_artifact(folder / file)
        for variant, config in settings.items():
            with tracker.child(variant) as child:
                child.log_config(config)
                child.log_summary(store.read_summary(folder / f"mix-{variant}"))
                child.log_summary(Summary("ablate", _metrics(comparison[variant])))
        return tracker.describe()


def _metrics(measures: Mapping[str, Estimate]) -> dict[str, float]:
    """Every measure with its interval, without what is no number."""
    values: dict[str, float] = {}
    for name, estimate in measures.items():
        values |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return {name: value for name, value in values.items() if math.isfinite(value)}
