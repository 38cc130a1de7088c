"""What the report shows of curation: matrices, reliability, agreement of raters, and the samples that moved most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from entp import store
from entp.conversation import with_text
from entp.report import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Samples shown of each source.
MOVED_PER_SOURCE = 2
MOST_SOURCES = 8


def curation_figures(run: Path) -> Iterator[tuple[str, Figure]]:
    """Heat maps of the pool's matrix and of large sources', score histograms, and the reliability diagram."""
    cells = store.read(run / "curate", "transition").sort("source", "true", "observed", nulls_last=False)
    size = cells["true"].n_unique()
    pooled = cells.filter(pl.col("source").is_null())
    half_widths = ((pooled["high"] - pooled["low"]) / 2).to_numpy().reshape(size, size)
    yield "transition", figures.transition_heat_map(pooled["probability"].to_numpy().reshape(size, size), half_widths)
    if sources := by_source(cells):
        yield "transition_by_source", figures.transition_heat_maps(sources)
    scores = store.read(run / "curate", "scores").drop_nulls(["score_raw", "score_curated"])
    yield "scores", figures.score_histograms(scores["score_raw"].to_list(), scores["score_curated"].to_list())
    forecasts = store.read(run / "curate", "reliability")
    if not forecasts.is_empty():
        yield "reliability", figures.reliability_diagram(*(forecasts[name].to_list() for name in forecasts.columns))


def by_source(cells: pl.DataFrame) -> dict[str, np.ndarray]:
    """The matrix of each source that has one of its own, at most `MOST_SOURCES`, in the order of their names."""
    size = cells["true"].n_unique()
    groups = cells.drop_nulls("source").group_by("source", maintain_order=True)
    matrices = {str(source): rows["probability"].to_numpy().reshape(size, size) for (source,), rows in groups}
    return dict(list(matrices.items())[:MOST_SOURCES])


def agreement_rows(metrics: Mapping[str, float]) -> list[dict[str, Any]]:
    """One row per other rater: quadratic kappa `raw`, `curated` and `control`."""
    rows: dict[str, dict[str, Any]] = {}
    for name, value in metrics.items():
        if name.startswith("kappa/"):
            _, rater, kind = name.split("/")
            rows.setdefault(rater, {"rater": rater})[kind] = value
    return list(rows.values())


def moved(run: Path) -> list[dict[str, Any]]:
    """Of each source, the samples whose score curation moved farthest, the surest first, and why it did."""
    samples = with_text(store.read(run / "purge", "samples")).select("id", "source", "prompt")
    changed = (
        store.read(run / "curate", "scores")
        .drop_nulls(["score_raw", "score_curated"])
        .with_columns(move=pl.col("score_curated") - pl.col("score_raw"))
        .filter(pl.col("move") != 0)
        .join(samples, on="id")
        .sort(pl.col("move").abs(), "confidence", "id", descending=[True, True, False])
    )
    shown = changed.group_by("source", maintain_order=True).head(MOVED_PER_SOURCE).head(MOST_SOURCES * MOVED_PER_SOURCE)
    cells = store.read(run / "curate", "transition").filter(pl.col("source").is_null())
    chances = {
        (true, observed): chance for true, observed, chance in cells.select("true", "observed", "probability").rows()
    }
    return [
        {**row, "chance": chances.get((row["score_curated"], row["score_raw"]))}
        for row in shown.sort("source", maintain_order=True).iter_rows(named=True)
    ]
