"""The report as a pipeline step: all artifacts side by side again, checked, drawn, and logged to MLflow."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from entp import accounting, loop, shell, store
from entp.config import Config
from entp.platform.step import run_folder
from entp.stages import NAMES
from entp.track.run import open_run


def run_report(config: Config, datasets: Mapping[str, Path], html: Path, summary: Path) -> None:
    """Write the HTML report and a summary in Markdown of the datasets given by stage, and log all of it.

    Raises DataError where rows are lost.
    """
    ordered = {name: datasets[name] for name in NAMES if name in datasets}
    html.parent.mkdir(parents=True, exist_ok=True)
    with run_folder(html, ordered) as folder:
        accounting.check(folder)
        with open_run(config, folder) as tracker:
            tracker.log_config(config)
            shell.log_stages(folder, tracker)
            shell.write_and_log_report(config, folder, tracker)
        shutil.copy(folder / "report.html", html)
        summary.parent.mkdir(parents=True, exist_ok=True)
        summary.write_text(_markdown(folder), encoding="utf-8")


def _markdown(folder: Path) -> str:
    """The funnel, what each stage noted, and the bill."""
    funnel = accounting.funnel(folder)
    lines = ["# Where every row went", "", f"| {' | '.join(funnel.columns)} |", "|---" * len(funnel.columns) + "|"]
    lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in funnel.iter_rows()]
    lines += [
        "",
        "# Stages",
        "",
        "| stage | seconds | requests | tokens in | tokens out |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, metrics in loop.read_metrics(folder).items():
        figures = [metrics["seconds"], *(metrics.get(key, 0) for key in ("requests", "tokens_in", "tokens_out"))]
        lines.append(f"| {name} | {' | '.join(f'{float(figure):,.0f}' for figure in figures)} |")
    published = [name for name in NAMES if store.is_published(folder / name)]
    notes = [f"- {name}: {note}" for name in published for note in store.read_summary(folder / name).notes]
    return "\n".join([*lines, "", *notes, ""])
