"""`entp compare`: run the cells, set them side by side, print, draw and log."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from rich.table import Table

from entp import loop, store
from entp.compare import publish
from entp.compare.cell import run_cell
from entp.compare.grid import Grid, read_samples, read_signals, read_target, tokens_of
from entp.compare.items import read_cells
from entp.compare.methods import SYNTHESIS, UNTRAINED, needs, reference_of, require_target
from entp.compare.publish import Comparison, Cost
from entp.compare.table import Result
from entp.config import Config
from entp.evaluate.catalogue import check_tasks
from entp.progress import console
from entp.select import SELECTORS
from entp.select.signals import groups_for
from entp.track.client import tracking_uri


def run_comparison(grid: Grid, methods: Sequence[str], seeds: Sequence[int], target: Sequence[Path]) -> None:
    """Run what is missing of methods x seeds, and show what all of it says."""
    check_tasks(grid.config.evaluate)
    columns = needs(methods)
    require_target(columns, target)
    samples, held_out = read_samples(grid)
    signals = read_signals(grid, samples, read_target(grid, target), columns)
    cells = {}
    plan = [(method, seed) for seed in seeds for method in methods if method != UNTRAINED or seed == seeds[0]]
    for number, (method, seed) in enumerate(plan, start=1):
        label = f"[bold]{method}[/], seed {seed} ({number} of {len(plan)})"
        cells[method, seed] = run_cell(
            grid,
            method,
            seed,
            (samples, held_out, signals),
            lambda unchanged, label=label: _announce(label, unchanged),  # type: ignore[misc]
        )
    ordered = {cell: path for method in methods for cell, path in cells.items() if cell[0] == method}
    costs = {method: Cost(_rows(ordered, method), _tokens(grid, method)) for method in methods}
    shown = ", ".join(map(str, seeds))
    title = f"{grid.output}: {grid.rows} rows of {samples.height}, {held_out.height} held out, seeds {shown}"
    comparison = Comparison(read_cells(ordered), costs, reference_of(methods), title)
    compared = publish.write(comparison, grid.folder)
    _show(comparison, compared, grid.folder, publish.log(comparison, compared, grid, ordered))


def redraw(config: Config, run_id: str, output: Path) -> None:
    """Draw a logged comparison again, into OUTPUT/compare."""
    comparison = publish.read_logged(tracking_uri(config, output), run_id)
    _show(comparison, publish.write(comparison, output / "compare"), output / "compare", {})


def _rows(cells: Mapping[tuple[str, int], Path], method: str) -> float:
    """Rows that were trained on, mean over seeds."""
    return fmean(store.read_summary(path).metrics["rows"] for (name, _), path in cells.items() if name == method)


def _tokens(grid: Grid, method: str) -> float:
    """Tokens that a model read or wrote to choose or make the rows."""
    if method in SYNTHESIS:
        return _stage_tokens(grid, "rate") + _stage_tokens(grid, "mix")
    needed = SELECTORS[method].needs
    rating = _stage_tokens(grid, "rate") if {"rating", "score_curated", "tier"} & set(needed) else 0.0
    return rating + sum(tokens_of(grid, name) for name in groups_for(needed))


def _stage_tokens(grid: Grid, stage: str) -> float:
    metrics = loop.read_metrics(grid.output).get(stage, {})
    return float(metrics.get("tokens_in", 0.0) + metrics.get("tokens_out", 0.0))


def _announce(label: str, unchanged: bool) -> None:
    console.print(f"{label}{' unchanged' if unchanged else ''}", highlight=False)


def _show(comparison: Comparison, compared: Sequence[Result], folder: Path, places: Mapping[str, str]) -> None:
    tasks = list(dict.fromkeys((result.task, result.metric) for result in compared))
    shown = Table(title=f"Score, and lead over {comparison.reference} with its 95 % interval", title_justify="left")
    shown.add_column("method", no_wrap=True)
    shown.add_column("rows", justify="right")
    for task, metric in tasks:
        shown.add_column(f"{task}\n{metric}", justify="right")
        shown.add_column("lead", justify="right")
    for method in dict.fromkeys(result.method for result in compared):
        cells = [f"{comparison.costs[method].rows:,.0f}"]
        for task, _ in tasks:
            result = next(result for result in compared if (result.method, result.task) == (method, task))
            cells += [f"{result.score.value:.4f}", _lead(result)]
        shown.add_row(method, *cells)
    console.print(shown)
    console.print(f"  page      {folder / publish.PAGE}\n  table     {folder / publish.CSV}")
    for label, place in places.items():
        console.print(f"  {label:<9} {place}", highlight=False)


def _lead(result: Result) -> str:
    if result.lead is None:
        return ""
    value, low, high = result.lead
    return f"{value:+.4f}" if math.isnan(low) else f"{value:+.4f}\n{low:+.3f} .. {high:+.3f}"
