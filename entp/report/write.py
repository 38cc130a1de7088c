"""Collect what has been published, draw it, and write the page, the summary and the CSV files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from entp import accounting, lineage, store
from entp.config import Config
from entp.conversation import with_text
from entp.plan import actual, wording
from entp.records import ACCEPTED_STATUSES
from entp.report import curation, figures, purging
from entp.report.summary import SUMMARY, cost_rows, evaluation_rows, rater_rows, write_summary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXAMPLES = 3
COMMONEST = 18
TASK_TYPES_SHOWN = 3


@dataclass(frozen=True)
class Written:
    """The files of a report."""

    html: Path
    summary: Path
    figures: tuple[Path, ...]


def write_report(config: Config, run: Path, tracking: Mapping[str, str]) -> Written:
    """Write `report.html` (self-contained), `summary.json`, `figures/*.svg` and `plots/*.csv` for what has run."""
    drawn = {name: figures.svg(figure) for name, figure in _figures(run)}
    folder = run / "figures"
    folder.mkdir(exist_ok=True)
    paths = []
    for name, text in drawn.items():
        paths.append(folder / f"{name}.svg")
        paths[-1].write_text(text)
    _write_plots(run)
    summary = write_summary(run, config, tracking)
    page = run / "report.html"
    page.write_text(_page(config, run, drawn), encoding="utf-8")
    return Written(page, summary, tuple(paths))


def _page(config: Config, run: Path, drawn: Mapping[str, str]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    summary = json.loads((run / SUMMARY).read_text())
    environment = Environment(loader=PackageLoader("entp.report", "."), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("page.html").render(
        run=run,
        config=config,
        summary=summary,
        funnel=accounting.funnel(run).to_dicts(),
        fates=[fate for fate in accounting.FATES if accounting.funnel(run)[fate].sum() > 0],
        figures=drawn,
        rules=purging.rule_rows(run) if store.is_current(run / "purge") else [],
        repaired=purging.repaired_rows(run) if store.is_current(run / "purge") else [],
        raters=rater_rows(run) if store.is_current(run / "rate") else [],
        agreement=curation.agreement_rows(summary["metrics"].get("curate", {})),
        moved=curation.moved(run) if store.is_current(run / "curate") else [],
        domains=list(_domains(run)) if store.is_current(run / "pair") else [],
        costs=cost_rows(run),
        accepted=_accepted(run),
        evaluation=evaluation_rows(run) if store.is_current(run / "evaluate") else [],
        examples=list(_examples(run)) if store.is_current(run / "mix") else [],
        worked=_worked(run),
        statuses=_status_counts(run) if store.is_current(run / "mix") else [],
        planned=actual.compare(run),
        wording=wording,
    )


def _figures(run: Path) -> Iterator[tuple[str, Figure]]:
    """Every figure that the published stages have the data for."""
    yield "funnel", figures.funnel_by_source(accounting.funnel(run).to_dicts())
    if store.is_current(run / "purge"):
        for name, keep, colour in (("dropped", False, figures.FATE_COLOURS["purged"]), ("kept", True, figures.ACCENT)):
            if counts := _reason_counts(run, keep):
                yield f"reasons_{name}", figures.reasons(counts, colour)
        yield from purging.purge_figures(run)
    if store.is_current(run / "rate") and (raters := rater_rows(run)):
        yield "raters", figures.scores_by_rater(raters)
    if store.is_current(run / "curate"):
        yield from curation.curation_figures(run)
    if store.is_current(run / "pair"):
        clusters = store.read(run / "pair", "clusters")
        yield (
            "clusters",
            figures.cluster_map(
                clusters["x"].to_list(),
                clusters["y"].to_list(),
                clusters["cluster"].to_list(),
                clusters["representative"].to_list(),
            ),
        )
    if store.is_current(run / "mix") and (curves := _loss_curves(run)):
        yield "mix_loss", figures.loss_by_iteration(curves)
    if store.is_current(run / "train"):
        log = store.read(run / "train", "log")
        yield "training", figures.training_curve(log["step"].to_list(), log["loss"].to_list())
    if store.is_current(run / "evaluate"):
        yield "evaluation", figures.evaluation_chart(evaluation_rows(run))


def _loss_curves(run: Path) -> list[list[float]]:
    """Best loss after each candidate, for every pair that has one."""
    stories = store.read(run / "mix", "fusions")["trace"].drop_nulls()
    curves = [json.loads(story)["curve"] for story in stories]
    return [curve for curve in curves if curve]


def _examples(run: Path) -> Iterator[dict[str, str]]:
    """Three pairs told in full: accepted fusions first, then the pairs whose loss fell most."""
    fusions = store.read(run / "mix", "fusions").filter(pl.col("iterations") > 0)
    ranked = fusions.with_columns(
        order=pl.col("status").replace_strict({"fused": 0, "rewritten": 1, "rejected": 2}, default=3),
        fall=pl.col("loss_first") - pl.col("loss_last"),
    ).sort("order", "fall", "pair_id", descending=[False, True, False], nulls_last=True)
    for pair_id, status in ranked.select("pair_id", "status").head(EXAMPLES).iter_rows():
        yield {"pair_id": pair_id, "status": status, "story": lineage.trace(run, pair_id)}


def _domains(run: Path) -> Iterator[dict[str, Any]]:
    """Rows of `pair/domains`, with the prompt of the first representative."""
    samples = with_text(store.read(run / "purge", "samples")).select("id", "prompt")
    domains = store.read(run / "pair", "domains").with_columns(id=pl.col("representatives").list.first())
    for row in domains.join(samples, on="id", how="left", maintain_order="left").iter_rows(named=True):
        yield {**row, "task_types": row["task_types"][:TASK_TYPES_SHOWN]}


def _reason_counts(run: Path, keep: bool) -> list[tuple[str, int]]:
    """How often each reason dropped a sample, or was noted on one that stayed; the commonest first."""
    verdicts = store.read(run / "purge", "verdicts").filter((pl.col("keep") == keep) & (pl.col("reason") != "passed"))
    return _counts(verdicts["reason"])[:COMMONEST]


def _status_counts(run: Path) -> list[tuple[str, int]]:
    return _counts(store.read(run / "mix", "fusions")["status"])


def _counts(values: pl.Series) -> list[tuple[str, int]]:
    counted = values.value_counts().sort("count", values.name, descending=[True, False])
    return list(counted.iter_rows())


def _accepted(run: Path) -> int:
    if not store.is_current(run / "mix"):
        return 0
    return store.read(run / "mix", "fusions").filter(pl.col("status").is_in(ACCEPTED_STATUSES)).height


def _worked(run: Path) -> int:
    """Pairs that were worked on: all but those beyond the budget."""
    if not store.is_current(run / "mix"):
        return 0
    return store.read(run / "mix", "fusions").filter(pl.col("status") != "over_budget").height


def _write_plots(run: Path) -> None:
    """CSV files that `dvc plots show` draws (declared in dvc.yaml)."""
    folder = run / "plots"
    folder.mkdir(exist_ok=True)
    accounting.funnel(run).write_csv(folder / "funnel.csv")
    if store.is_current(run / "mix"):
        curves = _loss_curves(run)
        longest = max((len(curve) for curve in curves), default=0)
        means = [float(np.mean([curve[min(n, len(curve) - 1)] for curve in curves])) for n in range(longest)]
        rows: dict[str, Any] = {"try": list(range(1, longest + 1)), "loss": means}
        pl.DataFrame(rows, schema={"try": pl.Int64, "loss": pl.Float64}).write_csv(folder / "mix_loss.csv")
    if store.is_current(run / "train"):
        store.read(run / "train", "log").write_csv(folder / "training_loss.csv")
