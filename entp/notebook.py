"""The loop from Python: the few functions that a notebook needs, which `import entp` offers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from os import PathLike, fspath
from pathlib import Path

import polars as pl

from entp import accounting, lineage, loop, params, shell, store
from entp.stages import stage_named

Location = str | PathLike[str]


def run(
    inputs: Location | Iterable[Location],
    output: Location,
    settings: Iterable[str] = (),
    *,
    params_file: Location | None = None,
    first: str | None = None,
    until: str | None = None,
) -> dict[str, dict[str, float]]:
    """Run the loop on raw files, folders or addresses into `output`; returns `metrics(output)`.

    `settings` are overrides such as "mix.max_pairs=8", over `params_file` where one is given. `first` is run again even
    if nothing has changed, `until` is the last stage. Unchanged stages are skipped; a stopped run goes on where it
    stopped. Raises EntpError, whose message names the remedy.
    """
    raw = [inputs] if isinstance(inputs, str | PathLike) else list(inputs)
    config = params.load(Path(params_file) if params_file else None, settings)
    given = [fspath(path) for path in raw]
    _beside_event_loops(lambda: shell.run_and_show(config, given, Path(output), first, until))
    return metrics(output)


def _beside_event_loops(work: Callable[[], None]) -> None:
    """In a thread where an event loop runs, as in Jupyter: stages that ask a model run loops of their own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        work()
        return
    with ThreadPoolExecutor(1) as thread:
        thread.submit(work).result()


def metrics(output: Location) -> dict[str, dict[str, float]]:
    """The metrics of every stage that has run, and its `seconds`, by stage."""
    return {stage: dict(values) for stage, values in loop.read_metrics(Path(output)).items()}


def table(output: Location, stage: str, name: str) -> pl.DataFrame:
    """A table that a stage has published, such as ("mix", "fusions"); docs/formats.md lists them with their columns.

    Raises UsageError for an unknown stage, DataError where the table is missing.
    """
    return store.read(Path(output) / stage_named(stage).name, name)


def funnel(output: Location) -> pl.DataFrame:
    """Where every ingested row went: a row per source and a total, a column per fate."""
    return accounting.funnel(Path(output))


def explain(output: Location, sample: str) -> str:
    """A sample's whole life: verdicts, ratings, tier, fusion. `sample` is its id or a unique beginning of it."""
    return lineage.explain(Path(output), sample)


def trace(output: Location, pair: str) -> str:
    """The story of one pair, from both parents to the outcome. `pair` is its id, or one of its samples'."""
    return lineage.trace(Path(output), pair)
