"""One cell: a method's rows, a model trained on them, its scores. Nothing but the scores outlives it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl

from entp import params, source_code, store
from entp.compare.grid import SHARED_SEED, Grid
from entp.compare.items import ITEMS, headline_items, held_out_items
from entp.compare.methods import UNTRAINED
from entp.compare.rows import publish_rows, training_rows
from entp.config import Config
from entp.errors import DataError
from entp.evaluate import pairwise
from entp.evaluate.catalogue import load_suite
from entp.evaluate.engine import Model, chosen_backend
from entp.evaluate.harness import Conditions, has_chat_template
from entp.evaluate.rows import joined
from entp.evaluate.stage import base_model, remembered_outcome, trained_model
from entp.llm.embedded import model_identity
from entp.records import digest_of
from entp.stages import by_content, identity, stage_named
from entp.store import Identity
from entp.train.chat_template import marked_template
from entp.train.examples import encode
from entp.train.model import load_model, load_tokenizer
from entp.train.validation import base_losses

CHOSEN = pl.Schema({"id": pl.String, "weight": pl.Float64})
#: Of the metrics of `train`.
KEPT = ("tokens", "steps", "loss_last", "truncated_rows", "unusable_rows")
#: Whose work shows in a cell's rows, which count by their content: a changed selector leaves the cells of others be.
CHOOSING = ("entp.compare.grid", "entp.compare.methods", "entp.compare.rows", "entp.select")
#: `llm` is the judge of `evaluate.instructions`.
SECTIONS = ("train", "evaluate", "assemble", "llm")

Data = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]


def folder_of(grid: Grid, method: str, seed: int) -> Path:
    """Where a cell is published."""
    return grid.folder / "cells" / f"{method}-{seed}"


def run_cell(grid: Grid, method: str, seed: int, data: Data, announce: Callable[[bool], None]) -> Path:
    """Publish the cell's `items` and `chosen`; `data` are the samples, those held out, and the signals.

    A cell whose rows, settings and code are unchanged is left as it is, and `announce` is told so.
    """
    samples, held_out, signals = data
    config = params.changed(grid.config, [f"seed={seed}"])
    target = folder_of(grid, method, seed)
    work = grid.folder / f"work-{target.name}"
    rows = training_rows(grid, method, seed, samples, signals, work)
    own = _identity(grid, method, seed, rows, held_out)
    unchanged = store.is_published_as(target, own)
    announce(unchanged)
    if not unchanged:
        with store.publish(target, own) as dataset:
            items, metrics = _scored(config, method, rows, held_out, work)
            dataset.write("items", items, ITEMS)
            dataset.write("chosen", rows.select(list(CHOSEN)), CHOSEN)
            dataset.summarise({"rows": float(rows.height), **metrics})
    shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(_model_folder(work), ignore_errors=True)
    return target


def _model_folder(work: Path) -> Path:
    """Beside the other work, so that all cells have one cache (`store.cache_folder`)."""
    return work.with_name(f"{work.name}-train")


def _identity(grid: Grid, method: str, seed: int, rows: pl.DataFrame, held_out: pl.DataFrame) -> Identity:
    """By the rows themselves: it is all the same how they were chosen."""
    content = digest_of(
        [rows.select("id", "messages", "weight").sort("id").to_dicts(), held_out["id"].sort().to_list()]
    )
    settings = {"method": method, "seed": seed, **by_content(grid.config.digestible(SECTIONS))}
    return Identity("compare/cell", settings, source_code.version(__name__, CHOOSING), {"rows": content})


def _scored(
    config: Config, method: str, rows: pl.DataFrame, held_out: pl.DataFrame, work: Path
) -> tuple[pl.DataFrame, dict[str, float]]:
    """ITEMS and metrics of the base model, or of the one trained on these rows."""
    cache = store.cache_folder(_model_folder(work))
    if method == UNTRAINED:
        return pl.concat([_base_losses(config, held_out, cache), _answers(base_model(config), config, cache)]), {}
    if rows.is_empty():
        raise DataError(f"compare: {method} chose no row to train on")
    inputs, trained = {"assemble": publish_rows(rows, held_out, work / "assemble")}, _model_folder(work)
    train = stage_named("train")
    if not store.is_published_as(trained, identity("train", config, inputs)):
        train.run(config, inputs, trained)
    summary = store.read_summary(trained)
    losses = store.read(trained, "validation").select("id", loss="after")
    metrics = {name: summary.metrics[name] for name in KEPT if name in summary.metrics}
    return pl.concat([held_out_items(losses), _answers(trained_model(trained), config, cache)]), metrics


def _base_losses(config: Config, held_out: pl.DataFrame, cache: Path) -> pl.DataFrame:
    tokenizer = load_tokenizer(config.train)
    template = marked_template(tokenizer, config.train.model)
    rows = encode(tokenizer, template, held_out, config.train.max_length)
    weights = model_identity(config.train.model, config.train.revision)
    losses = base_losses(lambda: load_model(config.train), weights, rows.examples, cache)
    return held_out_items(held_out.select("id")[list(rows.places)].with_columns(loss=pl.Series(losses)))


def _answers(model: Model, config: Config, cache: Path) -> pl.DataFrame:
    """The model's value on every item, by each task's headline metric."""
    conditions = Conditions(
        chat=has_chat_template(base_model(config)),
        limit=config.evaluate.limit,
        batch_size=config.evaluate.batch_size,
        seed=SHARED_SEED,
        backend=chosen_backend(config.evaluate.backend),
    )
    outcome = remembered_outcome(model, load_suite(config.evaluate), conditions, cache / "evaluate")
    if config.evaluate.instructions is not None:
        contests = pairwise.judge(config, (base_model(config), model), cache)
        outcome = joined(outcome, pairwise.outcomes(config, contests)[1])
    return headline_items(pl.DataFrame(outcome.scores), pl.DataFrame(outcome.items))
