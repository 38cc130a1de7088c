"""A comparison as files, as a page, and as MLflow runs: one for the whole, a child for each cell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import polars as pl

from entp import params, store
from entp.compare import draw
from entp.compare.grid import Grid
from entp.compare.methods import reference_of
from entp.compare.table import Result, as_frame, compare
from entp.errors import DataError
from entp.report.figures import svg
from entp.store import Summary
from entp.track.client import open_client, tracking_uri
from entp.track.run import open_run

CSV, PAGE = "comparison.csv", "comparison.html"
FOREST_PLOT, COST_PLOT = "forest.svg", "cost.svg"
#: All that a comparison is drawn from: the items of every cell, and what each method took.
RESULTS, COSTS = "results.parquet", "costs.parquet"
COSTS_SCHEMA = pl.Schema({"method": pl.String, "rows": pl.Float64, "tokens": pl.Float64})


class Cost(NamedTuple):
    """What a method took: the rows trained on (mean over seeds), the model tokens to choose or make them."""

    rows: float
    tokens: float


class Comparison(NamedTuple):
    """`results` as `compare.items.read_cells` gives them, and the cost of each method."""

    results: pl.DataFrame
    costs: dict[str, Cost]
    reference: str
    title: str


def write(comparison: Comparison, folder: Path) -> list[Result]:
    """The table, the plots, the page, and what they are made of, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    compared = compare(comparison.results, comparison.reference)
    costs = pl.DataFrame(
        [(method, *cost) for method, cost in comparison.costs.items()], schema=COSTS_SCHEMA, orient="row"
    )
    as_frame(compared).join(costs, on="method", how="left", maintain_order="left").write_csv(folder / CSV)
    comparison.results.write_parquet(folder / RESULTS)
    costs.write_parquet(folder / COSTS)
    tokens = {method: cost.tokens for method, cost in comparison.costs.items()}
    drawn = {
        FOREST_PLOT: svg(draw.forest_plot(compared, comparison.reference)),
        COST_PLOT: svg(draw.cost_plot(compared, tokens, comparison.reference)),
    }
    for name, text in drawn.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / PAGE).write_text(_page(comparison, compared, drawn), encoding="utf-8")
    return compared


def log(
    comparison: Comparison, compared: Sequence[Result], grid: Grid, cells: Mapping[tuple[str, int], Path]
) -> Mapping[str, str]:
    """Log files and metrics, and each cell as a child; returns where the run can be found."""
    config = grid.config
    uri = tracking_uri(config, grid.output)
    name = f"{config.track.run_name or grid.output.resolve().name}-compare"
    settings = params.changed(config, [f"track.run_name={name}", f"track.uri={uri}"])
    with open_run(settings, grid.folder) as tracker:
        tracker.log_config(config)
        tracker.log_summary(Summary("compare", _metrics(compared)))
        for file in (CSV, PAGE, FOREST_PLOT, COST_PLOT, RESULTS, COSTS):
            tracker.log_artifact(grid.folder / file)
        for (method, seed), path in cells.items():
            with tracker.child(f"{method}-seed{seed}") as child:
                child.log_config(params.changed(config, [f"seed={seed}"]))
                child.log_summary(Summary("compare", _cell_metrics(comparison.results, method, seed)))
                child.log_summary(Summary("cell", store.read_summary(path).metrics))
        return tracker.describe()


def read_logged(uri: str, run_id: str) -> Comparison:
    """A comparison from the artifacts of its MLflow run. Raises DataError where the run has none."""
    client = open_client(uri)
    from mlflow.exceptions import MlflowException

    with TemporaryDirectory() as folder:
        try:
            results, costs = (
                pl.read_parquet(client.download_artifacts(run_id, name, folder)) for name in (RESULTS, COSTS)
            )
        except (MlflowException, OSError) as error:
            raise DataError(f"MLflow run {run_id}: no comparison in it ({error}); `entp compare` logs one") from error
    by_method = {row["method"]: Cost(row["rows"], row["tokens"]) for row in costs.iter_rows(named=True)}
    reference = reference_of(results["method"].unique(maintain_order=True).to_list())
    return Comparison(results, by_method, reference, f"MLflow run {run_id}")


def _metrics(compared: Sequence[Result]) -> dict[str, float]:
    values = {}
    for result in compared:
        values[f"{result.method}/{result.task}"] = result.score.value
        if result.lead is not None:
            for name, value in zip(("lead", "lead_low", "lead_high"), result.lead, strict=True):
                values[f"{result.method}/{result.task}/{name}"] = value
    return {name: value for name, value in values.items() if math.isfinite(value)}


def _cell_metrics(results: pl.DataFrame, method: str, seed: int) -> dict[str, float]:
    own = results.filter(method=method, seed=seed).group_by("task", maintain_order=True).agg(pl.col("value").mean())
    return dict(own.iter_rows())


def _page(comparison: Comparison, compared: Sequence[Result], drawn: Mapping[str, str]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(loader=PackageLoader("entp.compare", "."), autoescape=True, undefined=StrictUndefined)
    tasks = list(dict.fromkeys((result.task, result.metric) for result in compared))
    methods = list(dict.fromkeys(result.method for result in compared))
    by_place = {(result.method, result.task): result for result in compared}
    return environment.get_template("page.html").render(
        title=comparison.title,
        reference=comparison.reference,
        tasks=tasks,
        methods=methods,
        by_place=by_place,
        costs=comparison.costs,
        forest=drawn[FOREST_PLOT],
        cost=drawn[COST_PLOT],
        finite=math.isfinite,
    )
