"""What the commands `run`, `report` and the single stages do around the loop: track it, draw it, and tell the user."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from entp import accounting, loop, store
from entp.config import Config
from entp.plan import actual
from entp.progress import console
from entp.stages import NAMES, STAGES, Stage, stage_named
from entp.store import Summary

if TYPE_CHECKING:
    from entp.track.tracker import Tracker


def run_and_show(config: Config, raw: Sequence[str], output: Path, first: str | None, until: str | None) -> None:
    """Run the loop, log every finished stage to MLflow, write the report, and print where everything is.

    An evaluation task that does not exist is reported now, not after the training.
    """
    from entp.evaluate.catalogue import check_tasks

    check_tasks(config.evaluate)
    with ExitStack() as resources:
        trackers: list[Tracker] = []

        def tracker() -> Tracker:
            if not trackers:
                from entp.track.run import open_run

                trackers.append(resources.enter_context(open_run(config, output)))
                trackers[0].log_config(config)
            return trackers[0]

        def on_outcome(outcome: loop.Outcome) -> None:
            _show_outcome(outcome)
            if not outcome.skipped:
                log_stage(tracker(), output / outcome.stage, outcome.summary, outcome.seconds)

        paths = _local(raw, output) if first in (None, NAMES[0]) else []
        outcomes = loop.run_loop(config, paths, output, _announce, on_outcome, first, until)
        if any(not outcome.skipped for outcome in outcomes) or not (output / "report.html").is_file():
            write_and_log_report(config, output, tracker())
    _show_result(output)


def run_one_and_show(stage: Stage, config: Config, raw: Sequence[str], output: Path) -> None:
    """Run one stage whether or not anything changed, and print its metrics."""
    _announce(stage)
    outcome = loop.run_stage(stage, config, loop.stage_inputs(stage, output, _local(raw, output)), output)
    _show_outcome(outcome)
    for name, value in sorted(outcome.summary.metrics.items()):
        console.print(f"    {name:<36} {_number(value)}", highlight=False)
    if stage.name == "mix":
        _show_planned(output)


def _local(raw: Sequence[str], output: Path) -> list[Path]:
    """The inputs as paths: copies of those that lie elsewhere."""
    from entp.fetch.copy import local_copies

    return local_copies(raw, store.cache_folder(output / NAMES[0]))


def fit_priors_and_show(config: Config, output: Path, path: Path) -> None:
    """Learn the quantile priors of an ingested pool and say what they are."""
    from entp.purge.stage import fit_priors

    limits = fit_priors(config, loop.stage_inputs(stage_named("purge"), output, []), path)
    for row in limits.filter(limits["source"].is_null() & limits["language"].is_null()).iter_rows(named=True):
        told = f"{row['reason']:<28} quantile {row['quantile']:g} at {_number(row['limit'])}"
        console.print(f"    {told} of {row['samples']:,} samples", highlight=False)
    console.print(f"[bold]priors[/]    {path} ({limits.height} limits); pin them: purge.priors={path}", highlight=False)


def report_and_show(config: Config, output: Path) -> None:
    """Write the report of what has run so far and log all of it to MLflow."""
    from entp.track.run import open_run

    with open_run(config, output) as tracker:
        tracker.log_config(config)
        log_stages(output, tracker)
        write_and_log_report(config, output, tracker)
    _show_result(output)


def log_stages(output: Path, tracker: Tracker) -> None:
    """Log every stage that has published what its parents hold now."""
    seconds = {name: float(metrics["seconds"]) for name, metrics in loop.read_metrics(output).items()}
    for stage in STAGES:
        if store.is_current(output / stage.name):
            summary = store.read_summary(output / stage.name)
            log_stage(tracker, output / stage.name, summary, seconds.get(stage.name, 0.0))


def log_stage(tracker: Tracker, dataset: Path, summary: Summary, seconds: float) -> None:
    """Log what a stage has measured, how long it took, and, for `mix`, the work on its pairs and what was planned."""
    tracker.log_summary(summary)
    tracker.log_seconds(summary.stage, seconds)
    if summary.stage != "mix":
        return
    tracker.log_traces(dataset)
    if planned := actual.summary(dataset.parent):
        tracker.log_summary(planned)


def write_and_log_report(config: Config, output: Path, tracker: Tracker) -> None:
    """Write the report of what has run, and log it with its figures and the datasets it is about."""
    from entp.report import write_report

    written = write_report(config, output, tracker.describe())
    for name in ("ingest", "purge", "assemble"):
        if store.is_current(output / name):
            tracker.log_dataset(output / name, name)
    tracker.log_artifact(written.html)
    tracker.log_artifact(written.summary)
    for figure in written.figures:
        tracker.log_artifact(figure, "figures")


def _announce(stage: Stage) -> None:
    console.print(f"[bold]{stage.name:<9}[/] {stage.title} ...", highlight=False)


def _show_outcome(outcome: loop.Outcome) -> None:
    if outcome.skipped:
        console.print(f"[dim]{outcome.stage:<9} unchanged, skipped[/]", highlight=False)
        return
    metrics = outcome.summary.metrics
    shown = "  ".join(
        f"{name} {_number(metrics[name])}" for name in stage_named(outcome.stage).headlines if name in metrics
    )
    console.print(f"          [green]done[/] in {outcome.seconds:.1f} s  {shown}", highlight=False)
    for note in outcome.summary.notes:
        console.print(f"          [yellow]note[/] {note}", highlight=False)


def _show_planned(output: Path) -> None:
    """What `entp plan` foretold of `mix`, beside what it took."""
    for line in actual.closing_lines(output):
        console.print(line, highlight=False)


def _show_result(output: Path) -> None:
    """The funnel, the evaluation before and after, the gate's word, and where things are."""
    console.print(_funnel_table(output))
    if store.is_current(output / "evaluate"):
        console.print(_evaluation_table(output))
    if store.is_current(output / "gate"):
        for note in store.read_summary(output / "gate").notes:
            console.print(f"[bold]gate[/]      {note}", highlight=False)
    _show_planned(output)
    console.print(f"[bold]report[/]    {output / 'report.html'}", highlight=False)
    if store.is_current(output / "assemble"):
        console.print(f"[bold]dataset[/]   {output / 'assemble' / 'dataset'}", highlight=False)
    for line in _tracking_lines(output):
        console.print(line, highlight=False)


def _tracking_lines(output: Path) -> list[str]:
    from entp.report import read_summary

    tracking = read_summary(output).get("tracking") or {}
    return [f"[bold]{name:<9}[/] {value}" for name, value in tracking.items()]


def _funnel_table(output: Path) -> Table:
    table = Table(title="Where every ingested row went", title_justify="left", header_style="bold")
    funnel = accounting.funnel(output)
    shown = [name for name in funnel.columns if name != "waiting" or funnel["waiting"].sum() > 0]
    for name in shown:
        table.add_column(name, justify="left" if name == "source" else "right")
    for row in funnel.select(shown).iter_rows():
        table.add_row(*(str(cell) for cell in row), style="bold" if row[0] == "total" else "")
    return table


def _evaluation_table(output: Path) -> Table:
    from entp.report import evaluation_rows

    table = Table(title="Evaluation (higher is better)", title_justify="left", header_style="bold")
    for name in ("task", "metric", "items", "before", "after"):
        table.add_column(name, justify="left" if name in ("task", "metric") else "right")
    for row in evaluation_rows(output):
        table.add_row(
            row.task,
            row.metric,
            str(row.items),
            f"{row.before:.3f} +- {row.before_stderr:.3f}",
            f"{row.after:.3f} +- {row.after_stderr:.3f}",
        )
    return table


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.3f}"
