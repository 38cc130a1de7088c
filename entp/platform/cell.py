"""One cell of a comparison as a pipeline step, and the table of all cells.

A cell runs the loop from `pair` to `evaluate` on a curated pool, under a method's settings and one seed; or it trains
and evaluates on what a selector takes from the pool. It logs to a child of the pipeline's MLflow run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from scipy.stats import t as student

from entp import loop, params, shell, store
from entp.compare import cell as compare
from entp.compare.grid import Grid, read_samples, read_signals
from entp.compare.methods import SYNTHESIS, chosen, needs, require_target
from entp.config import Config
from entp.errors import UsageError
from entp.platform import tracking
from entp.platform.step import own_cache, run_folder, run_in_own_cache
from entp.records import SAMPLES, digest_of
from entp.stages import STAGES
from entp.store import Summary
from entp.track.run import open_run
from entp.track.tracker import Tracker

FIRST, LAST = "pair", "evaluate"
CONFIDENCE = 0.95


def run_cell(settings: Config, asked: Mapping[str, Any], parents: Mapping[str, Path], scratch: Path) -> dict[str, Any]:
    """Run one of `cells_of` beside `scratch`; returns `method`, `seed` and the headline `scores` by task.

    `settings` hold the method's settings already. Nothing but the scores outlives the cell.
    """
    tracking.adopt_run(settings)
    with (
        run_folder(scratch, parents) as folder,
        open_run(settings, folder) as pipeline,
        pipeline.child(f"{asked['method']}-seed{settings.seed}") as tracker,
    ):
        tracker.log_config(settings)
        scores = (
            _selected(settings, asked, folder, tracker) if "selector" in asked else _looped(settings, folder, tracker)
        )
    return {"method": asked["method"], "seed": settings.seed, "scores": scores}


def _looped(settings: Config, folder: Path, tracker: Tracker) -> dict[str, float]:
    """The scores of the loop's own training set, which the stages from `pair` on build, train on and evaluate."""
    metrics = _run_stages(settings, folder, tracker, FIRST, LAST)
    return {name: value for name, value in metrics.items() if f"before/{name}" in metrics}


def _selected(settings: Config, asked: Mapping[str, Any], folder: Path, tracker: Tracker) -> dict[str, float]:
    """The mean scores of what a method of `entp compare` takes or makes, the loss on held-out rows among them."""
    # Kubeflow hands whole numbers on as 8.0.
    grid = Grid(settings, folder, int(asked["rows"]), int(asked["held_out"]))
    selector = asked["selector"]
    if selector in SYNTHESIS:
        _run_stages(settings, folder, tracker, FIRST, "mix")
    with own_cache("cell", digest_of([asked, settings.model_dump(mode="json")])):
        samples, held_out = read_samples(grid)
        signals = read_signals(grid, samples, SAMPLES.to_frame(), needs([selector]))
        cell = compare.run_cell(grid, selector, settings.seed, (samples, held_out, signals), lambda _: None)
    tracker.log_summary(Summary("cell", store.read_summary(cell).metrics))
    means = store.read(cell, "items").group_by("task").agg(pl.col("value").mean()).sort("task")
    scores = dict(means.iter_rows())
    tracker.log_summary(Summary("compare", scores))
    return scores


def _run_stages(settings: Config, folder: Path, tracker: Tracker, first: str, last: str) -> Mapping[str, float]:
    """Run the stages from `first` to `last`, and log each; returns the metrics of the last one."""
    names = [stage.name for stage in STAGES]
    for stage in STAGES[names.index(first) : names.index(last) + 1]:
        outcome = run_in_own_cache(stage, settings, loop.stage_inputs(stage, folder, []), folder)
        shell.log_stage(tracker, folder / stage.name, outcome.summary, outcome.seconds)
    return outcome.summary.metrics


def cells_of(
    methods: Sequence[Mapping[str, Any]], seeds: Sequence[float], rows: int, held_out: int
) -> list[dict[str, Any]]:
    """Every method with every seed: `method`, `settings`, `seed`, and with a selector `selector`, `rows`, `held_out`.

    Raises UsageError where a method is malformed.
    """
    for method in methods:
        _check(method)
    names = [method["name"] for method in methods]
    if len(set(names)) < len(names):
        raise UsageError(f"methods: a name stands for one method, but they are {', '.join(names)}")
    budget = {"rows": rows, "held_out": held_out}
    cells = [
        {
            "method": method["name"],
            "settings": list(method["settings"]),
            "seed": int(seed),
            **({"selector": method["selector"], **budget} if "selector" in method else {}),
        }
        for method in methods
        for seed in seeds
    ]
    if not cells:
        raise UsageError("there is nothing to compare: `methods` and `seeds` must not be empty")
    return cells


def _check(method: Mapping[str, Any]) -> None:
    shape = (
        f'{method}: a method is {{"name": "...", "settings": ["mix.max_pairs=8", ...]}}, and with "selector": "..." '
        "one of `entp compare`"
    )
    if not isinstance(method, Mapping) or not {"name", "settings"} <= set(method) <= {"name", "settings", "selector"}:
        raise UsageError(shape)
    if not isinstance(method["settings"], list) or not all("=" in str(setting) for setting in method["settings"]):
        raise UsageError(shape)
    params.load(None, [str(setting) for setting in method["settings"]])
    if "selector" in method:
        require_target(needs(chosen([method["selector"]])), [])


def table(cells: Sequence[Mapping[str, Any]]) -> str:
    """Methods by tasks in Markdown: mean over seeds and the half-width of its 95 % interval (Student's t).

    With one seed there is no interval.
    """
    tasks = sorted({task for cell in cells for task in cell["scores"]})
    methods = list(dict.fromkeys(cell["method"] for cell in cells))
    lines = [f"| method | seeds | {' | '.join(tasks)} |", "|---|---:|" + "---:|" * len(tasks)]
    for method in methods:
        own = [cell for cell in cells if cell["method"] == method]
        shown = [_interval([cell["scores"][task] for cell in own if task in cell["scores"]]) for task in tasks]
        lines.append(f"| {method} | {len(own)} | {' | '.join(shown)} |")
    return "\n".join([*lines, ""])


def _interval(values: Sequence[float]) -> str:
    if not values:
        return "-"
    mean = sum(values) / len(values)
    if len(values) == 1:
        return f"{mean:.3f}"
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    half = float(student.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * deviation / math.sqrt(len(values))
    return f"{mean:.3f} +- {half:.3f}"
