"""The steps of the pipeline `compare`: the cells there are to run, one cell, and the table of all.

A cell runs the loop from `pair` to `evaluate` on a curated pool, under a method's settings and one seed; or it trains
and evaluates on what a selector takes from the pool. It logs to a child of the pipeline's MLflow run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from entp import loop, params, shell, store
from entp.compare import cell
from entp.compare.grid import Grid, read_samples, read_signals
from entp.compare.items import as_results, headline_items
from entp.compare.methods import SYNTHESIS, chosen, needs, reference_of, require_target
from entp.compare.table import as_markdown, compare
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


class Scored(NamedTuple):
    """What a cell leaves: the headline `scores` by task, and the RESULTS (`entp.compare.items`) behind them."""

    scores: dict[str, float]
    results: pl.DataFrame


def run_cell(settings: Config, asked: Mapping[str, Any], parents: Mapping[str, Path], scratch: Path) -> Scored:
    """Run one of `cells_of` beside `scratch`. `settings` hold the method's settings already.

    Raises DataError where a task's headline metric is no mean over items, which intervals need.
    """
    tracking.adopt_run(settings)
    with (
        run_folder(scratch, parents) as folder,
        open_run(settings, folder) as pipeline,
        pipeline.child(f"{asked['method']}-seed{settings.seed}") as tracker,
    ):
        tracker.log_config(settings)
        scores, items = (
            _selected(settings, asked, folder, tracker) if "selector" in asked else _looped(settings, folder, tracker)
        )
    return Scored(scores, as_results(items, asked["method"], settings.seed))


def _looped(settings: Config, folder: Path, tracker: Tracker) -> tuple[dict[str, float], pl.DataFrame]:
    """Scores and items of the loop's own training set, which the stages from `pair` on build, train on and evaluate."""
    metrics = _run_stages(settings, folder, tracker, FIRST, LAST)
    headlines = {name: value for name, value in metrics.items() if f"before/{name}" in metrics}
    scores, items = (store.read(folder / LAST, name).filter(model="after") for name in ("scores", "items"))
    return headlines, headline_items(scores, items)


def _selected(
    settings: Config, asked: Mapping[str, Any], folder: Path, tracker: Tracker
) -> tuple[dict[str, float], pl.DataFrame]:
    """Scores and items of what a method of `entp compare` takes or makes, the loss on held-out rows among them."""
    # Kubeflow hands whole numbers on as 8.0.
    grid = Grid(settings, folder, int(asked["rows"]), int(asked["held_out"]))
    selector = asked["selector"]
    if selector in SYNTHESIS:
        _run_stages(settings, folder, tracker, FIRST, "mix")
    with own_cache("cell", digest_of([asked, settings.model_dump(mode="json")])):
        samples, held_out = read_samples(grid)
        signals = read_signals(grid, samples, SAMPLES.to_frame(), needs([selector]))
        published = cell.run_cell(grid, selector, settings.seed, (samples, held_out, signals), lambda _: None)
    tracker.log_summary(Summary("cell", store.read_summary(published).metrics))
    items = store.read(published, "items")
    scores = dict(items.group_by("task").agg(pl.col("value").mean()).sort("task").iter_rows())
    tracker.log_summary(Summary("compare", scores))
    return scores, items


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
        for seed in dict.fromkeys(seeds)
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


def table(results: pl.DataFrame) -> str:
    """Methods by tasks in Markdown, from the RESULTS of all cells: scores and leads over one of the methods.

    Intervals are those of `entp compare`. Raises DataError where the methods were asked different items.
    """
    reference = reference_of(results["method"].unique(maintain_order=True).to_list())
    return as_markdown(compare(results, reference), reference)
