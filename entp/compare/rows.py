"""The training set of one cell: what a selector chose, or what purge-mix made, as an `assemble` dataset."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from entp import params, store
from entp.compare.grid import Grid
from entp.compare.methods import SYNTHESIS
from entp.errors import DataError
from entp.records import SAMPLES, TRAINING, WEIGHTS
from entp.select import SELECTORS
from entp.stages import stage_named
from entp.store import Identity, is_published

#: What `origin` says of a row that was chosen as it is.
CHOSEN = "chosen"


def training_rows(
    grid: Grid, method: str, seed: int, samples: pl.DataFrame, signals: pl.DataFrame, work: Path
) -> pl.DataFrame:
    """At most `grid.rows` TRAINING rows of the method, with a column `weight`."""
    if method in SYNTHESIS:
        return _synthesised(grid, method, seed, samples, work)
    selection = SELECTORS[method].select(signals, grid.rows, seed)
    chosen = samples.join(selection, on="id", how="inner").sort("id")
    return chosen.select(
        "id", "source", "messages", "tools", "weight", origin=pl.lit(CHOSEN), parents=pl.concat_list("id")
    ).select([*TRAINING, "weight"])


def publish_rows(rows: pl.DataFrame, held_out: pl.DataFrame, folder: Path) -> Path:
    """The rows as an `assemble` dataset that `train` reads, with the held-out samples for validation."""
    validation = held_out.select(
        "id", "source", "messages", "tools", origin=pl.lit(CHOSEN), parents=pl.concat_list("id")
    )
    with store.publish(folder, Identity("assemble", {}, "", {})) as dataset:
        dataset.write("train", rows.select(list(TRAINING)), TRAINING)
        dataset.write("validation", validation.select(list(TRAINING)), TRAINING)
        dataset.summarise({"rows": float(rows.height)})
    return folder


def _synthesised(grid: Grid, method: str, seed: int, samples: pl.DataFrame, work: Path) -> pl.DataFrame:
    """What `assemble` makes of the run's fusions and HQ samples, as far as they came of these samples alone."""
    inputs = {name: grid.output / name for name in ("purge", "curate", "pair", "mix")}
    missing = [name for name, path in inputs.items() if not is_published(path)]
    if missing:
        raise DataError(
            f"{grid.output / missing[0]}: not there, and {method} trains on fusions; run "
            f"`entp run --until mix --output {grid.output}` first"
        )
    inputs["purge"] = _publish_purged(samples, inputs["purge"], work / "purge")
    budget = [f"assemble.fill_rows={grid.rows}", f"assemble.max_rows={grid.rows}", "assemble.min_rows=1"]
    # `publish_rows` holds out the same rows for every method.
    common = ["assemble.validation_share=0", f"seed={seed}"]
    config = params.changed(grid.config, [*budget, *common, *SYNTHESIS[method]])
    stage_named("assemble").run(config, inputs, work / "assembled")
    return store.read(work / "assembled", "train").with_columns(weight=pl.lit(1.0))


def _publish_purged(samples: pl.DataFrame, purged: Path, folder: Path) -> Path:
    """What `purge` would have left had it kept these samples only: a held-out row, or what was made of one, is out."""
    with store.publish(folder, Identity("purge", {}, "", {})) as dataset:
        dataset.write("samples", samples, SAMPLES)
        if store.holds(purged, "weights"):
            dataset.write("weights", store.read(purged, "weights"), WEIGHTS)
        dataset.summarise({"kept": float(samples.height)})
    return folder
