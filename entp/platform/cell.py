"""One cell of a comparison as a pipeline step, and the table of all cells.

A cell runs the loop from `pair` to `evaluate` on a curated pool, under a method's settings and one seed, and logs to a
child of the pipeline's MLflow run.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scipy.stats import t as student

from entp import loop, params, shell, track
from entp.config import Config
from entp.errors import UsageError
from entp.platform import tracking
from entp.platform.step import run_folder, run_in_own_cache
from entp.stages import STAGES

FIRST, LAST = "pair", "evaluate"
CONFIDENCE = 0.95


def run_cell(settings: Config, method: str, parents: Mapping[str, Path], scratch: Path) -> dict[str, Any]:
    """Run the cell's stages beside `scratch`; returns `method`, `seed` and the headline `scores` by task.

    `settings` hold the method's settings already. Nothing but the scores outlives the cell.
    """
    names = [stage.name for stage in STAGES]
    stages = STAGES[names.index(FIRST) : names.index(LAST) + 1]
    metrics: dict[str, Mapping[str, float]] = {}
    tracking.adopt_run(settings)
    with (
        run_folder(scratch, parents) as folder,
        track.open_run(settings, folder) as pipeline,
        pipeline.child(f"{method}-seed{settings.seed}") as tracker,
    ):
        tracker.log_config(settings)
        for stage in stages:
            outcome = run_in_own_cache(stage, settings, loop.stage_inputs(stage, folder, []), folder)
            shell.log_stage(tracker, folder / stage.name, outcome.summary, outcome.seconds)
            metrics[stage.name] = outcome.summary.metrics
    tasks = {name: value for name, value in metrics["evaluate"].items() if name in settings.evaluate.tasks}
    return {"method": method, "seed": settings.seed, "scores": tasks}


def cells_of(methods: Sequence[Mapping[str, Any]], seeds: Sequence[float]) -> list[dict[str, Any]]:
    """Every method with every seed: `method`, `settings`, `seed`. Raises UsageError where one of them is malformed."""
    for method in methods:
        _check(method)
    names = [method["name"] for method in methods]
    if len(set(names)) < len(names):
        raise UsageError(f"methods: a name stands for one method, but they are {', '.join(names)}")
    cells = [
        {"method": method["name"], "settings": list(method["settings"]), "seed": int(seed)}
        for method in methods
        for seed in seeds
    ]
    if not cells:
        raise UsageError("there is nothing to compare: `methods` and `seeds` must not be empty")
    return cells


def _check(method: Mapping[str, Any]) -> None:
    shape = f'{method}: a method is {{"name": "...", "settings": ["mix.max_pairs=8", ...]}}'
    if not isinstance(method, Mapping) or set(method) != {"name", "settings"}:
        raise UsageError(shape)
    if not isinstance(method["settings"], list) or not all("=" in str(setting) for setting in method["settings"]):
        raise UsageError(shape)
    params.load(None, [str(setting) for setting in method["settings"]])


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
