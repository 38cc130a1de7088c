"""The evaluate stage: the base model and the trained model on the same items, under the same conditions."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import polars as pl

from entp import source_code, store
from entp.config import Config
from entp.evaluate import pairwise
from entp.evaluate.catalogue import Suite, load_suite
from entp.evaluate.engine import Model, chosen_backend
from entp.evaluate.harness import Conditions, evaluate_model, has_chat_template, suite_digest
from entp.evaluate.rows import Outcome, joined
from entp.llm.embedded import model_identity, resolve_model
from entp.records import EVALUATION_ITEMS, EVALUATION_SCORES, JUDGEMENTS, digest_of
from entp.stages import Inputs, identity
from entp.store import Summary


def run(config: Config, inputs: Inputs, output: Path) -> Summary:
    """Score the model before and after training; a model already scored on the same items is not asked again."""
    with store.publish(output, identity("evaluate", config, inputs)) as dataset:
        suite = load_suite(config.evaluate)
        models = (base_model(config), trained_model(inputs["train"]))
        conditions = Conditions(
            # one rendering for both models, or the difference would be the template's
            chat=all(has_chat_template(model) for model in models),
            limit=config.evaluate.limit,
            batch_size=config.evaluate.batch_size,
            seed=config.seed,
            backend=chosen_backend(config.evaluate.backend),
        )
        memory = store.cache_folder(output) / "evaluate"
        outcomes = [remembered_outcome(model, suite, conditions, memory) for model in models]
        said = notes(config.evaluate.limit)
        if config.evaluate.instructions is not None:
            contests = pairwise.judge(config, models, store.cache_folder(output))
            said += pairwise.notes(contests)
            outcomes = [joined(*both) for both in zip(outcomes, pairwise.outcomes(config, contests), strict=True)]
            dataset.write("judgements", pairwise.table(contests), JUDGEMENTS)
        scores = pl.concat(
            _table(model, outcome.scores, EVALUATION_SCORES) for model, outcome in zip(models, outcomes, strict=True)
        )
        items = pl.concat(
            _table(model, outcome.items, EVALUATION_ITEMS) for model, outcome in zip(models, outcomes, strict=True)
        )
        dataset.write("scores", scores, EVALUATION_SCORES)
        dataset.write("items", items, EVALUATION_ITEMS)
        return dataset.summarise(metrics(scores), said)


def base_model(config: Config) -> Model:
    """The model before training."""
    name, revision = config.train.model, config.train.revision
    return Model("before", resolve_model(name, revision), revision, model_identity(name, revision))


def trained_model(train: Path) -> Model:
    """The model that the train stage published."""
    manifest = store.read_manifest(train) or {}
    return Model("after", train / "model", None, digest_of(manifest["contents"]["model"]))


def remembered_outcome(model: Model, suite: Suite, conditions: Conditions, memory: Path) -> Outcome:
    """The outcome kept in `memory` from an earlier run of the same model, items, conditions and code, or a new one."""
    versions = [importlib.metadata.version("lm-eval"), source_code.version("entp.evaluate.harness")]
    question = [model.weights, suite_digest(suite, conditions.limit), asdict(conditions), versions]
    path = memory / f"{digest_of(question)}.json"
    return Outcome(**store.remembered(path, lambda: asdict(evaluate_model(model, suite, conditions))))


def metrics(scores: pl.DataFrame) -> dict[str, float]:
    """Each task's headline figure: `<task>` after training, `<task>_stderr`, `before/<task>` and `gain/<task>`.

    A gain is positive where the model got better, also for metrics of which less is better.
    """
    found: dict[str, float] = {}
    headlines = scores.filter(pl.col("headline"))
    before = {row["task"]: row["value"] for row in headlines.filter(model="before").iter_rows(named=True)}
    for row in headlines.filter(model="after").iter_rows(named=True):
        task, better = row["task"], 1 if row["higher_is_better"] else -1
        found[task] = row["value"]
        if row["stderr"] is not None:
            found[f"{task}_stderr"] = row["stderr"]
        found[f"before/{task}"] = before[task]
        found[f"gain/{task}"] = (row["value"] - before[task]) * better
    return found


def notes(limit: int | None) -> tuple[str, ...]:
    """What a reader of the scores must know."""
    return () if limit is None else (f"evaluated on the first {limit} items of each task only (evaluate.limit)",)


def _table(model: Model, rows: Sequence[dict[str, object]], schema: pl.Schema) -> pl.DataFrame:
    return pl.DataFrame([{"model": model.title} | row for row in rows], schema=schema)
