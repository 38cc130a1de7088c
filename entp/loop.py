"""The loop on one machine: the stages in order, each skipped when its inputs, configuration and code are unchanged."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entp import accounting, store
from entp.config import Config
from entp.errors import DataError, UsageError
from entp.stages import NAMES, Inputs, Stage, between, identity
from entp.store import Summary


@dataclass(frozen=True)
class Outcome:
    """What became of one stage in this run."""

    stage: str
    skipped: bool
    seconds: float
    summary: Summary


Listener = Callable[[Outcome], None]


def run_loop(
    config: Config,
    raw: Sequence[Path],
    output: Path,
    on_stage: Callable[[Stage], None],
    on_outcome: Listener,
    first: str | None = None,
    until: str | None = None,
) -> list[Outcome]:
    """Run the stages from `first` to `until` into `output/<stage>/`.

    `first` is run again even when nothing changed; the stages before it are taken as they stand.
    Raises DataError when the rows no longer add up after a stage.
    """
    outcomes = []
    for stage in _selected(first, until):
        inputs = stage_inputs(stage, output, raw)
        dataset = output / stage.name
        if stage.name != first and store.is_published_as(dataset, identity(stage.name, config, inputs)):
            outcome = Outcome(stage.name, True, 0.0, store.read_summary(dataset))
        else:
            on_stage(stage)
            outcome = run_stage(stage, config, inputs, output)
        outcomes.append(outcome)
        on_outcome(outcome)
    return outcomes


def run_stage(stage: Stage, config: Config, inputs: Inputs, output: Path) -> Outcome:
    """Run one stage into `output/<stage>/`, keep its metrics where DVC reads them, and check the accounts."""
    started = time.monotonic()
    summary = stage.run(config, inputs, output / stage.name)
    seconds = round(time.monotonic() - started, 2)
    _record_metrics(output, summary, seconds)
    accounting.check(output)
    return Outcome(stage.name, False, seconds, summary)


def stage_inputs(stage: Stage, output: Path, raw: Sequence[Path]) -> Inputs:
    """Where `stage` reads: its parents' datasets under `output`, or the raw paths. Raises when one is missing."""
    if stage.parents:
        inputs = {parent: output / parent for parent in stage.parents}
        for parent, path in inputs.items():
            if not store.is_published(path):
                raise DataError(
                    f"{path}: not there, and {stage.name} reads it; run `entp {parent} --output {output}` first"
                )
        return inputs
    if not raw:
        raise UsageError(f"{stage.name} reads raw files: name them with --input PATH")
    for path in raw:
        if path.is_dir() and output.resolve().is_relative_to(path.resolve()):
            raise UsageError(f"{output}: lies inside the input {path}, which would then hold it; write it elsewhere")
    return {f"input_{number:03d}": path for number, path in enumerate(raw)}


def read_metrics(output: Path) -> Mapping[str, Mapping[str, Any]]:
    """Metrics and seconds of every stage that has run, by stage, in pipeline order."""
    paths = {name: output / "metrics" / f"{name}.json" for name in NAMES}
    return {name: json.loads(path.read_text()) for name, path in paths.items() if path.is_file()}


def _record_metrics(output: Path, summary: Summary, seconds: float) -> None:
    folder = output / "metrics"
    folder.mkdir(exist_ok=True)
    store.write_json(folder / f"{summary.stage}.json", {**summary.metrics, "seconds": seconds})


def _selected(first: str | None, until: str | None) -> tuple[Stage, ...]:
    chosen = between(first or NAMES[0], until or NAMES[-1])
    if not chosen:
        raise UsageError(f"--from {first} comes after --until {until}; the order is {', '.join(NAMES)}")
    return chosen
