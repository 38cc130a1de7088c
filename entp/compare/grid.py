"""The pool of a comparison: which rows may be chosen, which are held out, and the signals of the former.

RUN/compare/target/            the rows named by --target, read by `ingest`
RUN/compare/signals/<group>/   what selectors choose by, each group computed once
RUN/compare/cells/<method>-<seed>/
RUN/compare/cache/             base scores, checkpoints (requests are in RUN/cache/)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from entp import source_code, store
from entp.config import Config
from entp.errors import DataError
from entp.records import SAMPLES, chances
from entp.select.signals import GROUPS, Pool, groups_for
from entp.stages import by_content, stage_named
from entp.store import Identity, is_published

#: Seed of what all cells share: the held-out rows, the examples in evaluation prompts.
SHARED_SEED = 0


@dataclass(frozen=True)
class Grid:
    """Settings that all cells share. `rows` is the budget, `held_out` the number of rows kept from every method."""

    config: Config
    output: Path
    rows: int
    held_out: int

    @property
    def folder(self) -> Path:
        return self.output / "compare"


def read_samples(grid: Grid) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The samples that may be chosen, and those held out (by chance, the same for every method and seed).

    Raises DataError where the run has not got as far as `curate`, or has too few samples.
    """
    for name in ("purge", "curate"):
        if not is_published(grid.output / name):
            raise DataError(
                f"{grid.output / name}: not there; run `entp run --until curate --output {grid.output}` first"
            )
    samples = store.read(grid.output / "purge", "samples").sort("id")
    if samples.height <= grid.held_out:
        raise DataError(f"{samples.height} samples passed the purge: too few to hold {grid.held_out} out")
    lots = chances(samples["id"], SHARED_SEED)
    held_out = lots.rank("ordinal") <= grid.held_out
    return samples.filter(~held_out), samples.filter(held_out)


def read_target(grid: Grid, files: Sequence[Path]) -> pl.DataFrame:
    """The target set as SAMPLES; empty where no files are named."""
    if not files:
        return SAMPLES.to_frame()
    ingest = stage_named("ingest")
    inputs = {f"input_{number:03d}": path for number, path in enumerate(files)}
    target = grid.folder / "target"
    ingest.run(grid.config, inputs, target)
    return store.read(target, "samples").sort("id")


def read_signals(grid: Grid, samples: pl.DataFrame, target: pl.DataFrame, columns: set[str]) -> pl.DataFrame:
    """`id` and these signals of the samples, computed where they are not there yet."""
    pool = _pool(grid, samples, target)
    frame = samples.select("id", "source")
    for name in groups_for(columns):
        frame = frame.join(_signals(grid, pool, name), on="id", how="left", maintain_order="left")
    return frame


def tokens_of(grid: Grid, group: str) -> float:
    """Tokens that a model read or wrote for a group of signals."""
    return store.read_summary(grid.folder / "signals" / group).metrics["tokens"]


def _pool(grid: Grid, samples: pl.DataFrame, target: pl.DataFrame) -> Pool:
    curated = grid.output / "curate"
    vectors = store.read(curated, "embeddings").join(samples.select("id"), on="id", how="semi").sort("id")
    if not vectors["id"].equals(samples["id"]):
        raise DataError(
            f"{curated}: not of the samples in {grid.output / 'purge'}; run `entp run --until curate` again"
        )
    scores = samples.select("id").join(store.read(curated, "scores"), on="id", how="left", maintain_order="left")
    # The run's own: raters have asked for much of this already.
    cache = store.cache_folder(grid.folder)
    return Pool(samples, scores, np.stack(vectors["vector"].to_list()), target, grid.config, cache)


def _signals(grid: Grid, pool: Pool, name: str) -> pl.DataFrame:
    group = GROUPS[name]
    folder = grid.folder / "signals" / name
    settings = by_content(grid.config.digestible(group.sections)) if group.sections else {}
    parents = {name: store.content_digest(grid.output / name) for name in ("purge", "curate")}
    if group.by_target:
        parents["target"] = store.content_digest(grid.folder / "target") if pool.target.height else "none"
    version = source_code.version("entp.select.signals")
    identity = Identity(f"signals/{name}", {**settings, "held_out": grid.held_out}, version, parents)
    if not store.is_published_as(folder, identity):
        with store.publish(folder, identity) as dataset:
            signals = group.compute(pool)
            dataset.write("signals", signals.frame, signals.frame.schema)
            dataset.summarise({"samples": float(signals.frame.height), "tokens": float(signals.tokens)})
    return store.read(folder, "signals")
