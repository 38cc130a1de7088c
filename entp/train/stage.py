"""The train stage: fine-tune the base model on the assembled set, and publish a model that any tool loads."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from entp import store
from entp.config import Config, TrainConfig
from entp.errors import DataError
from entp.llm.embedded import model_identity
from entp.records import TRAINING_LOG, UNUSED, VALIDATION_LOSSES, digest_of
from entp.stages import Inputs, identity
from entp.store import Summary
from entp.train.chat_template import marked_template
from entp.train.examples import NO_ANSWER_LEFT, Encoded, encode
from entp.train.model import load_model, load_tokenizer, merged, trainable
from entp.train.packing import keeps_samples_apart
from entp.train.publish import model_card, save_adapter, save_model
from entp.train.sft import Fitted, fit, is_first_process
from entp.train.validation import base_losses, losses_of, mean_loss


def run(config: Config, inputs: Inputs, output: Path) -> Summary:
    """Encode the rows, train on them, measure the loss on held-out rows before and after, and publish.

    Under torchrun the first process publishes for all. A killed run goes on from its last checkpoint, kept in the cache
    folder until the model is published.
    """
    current = identity("train", config, inputs)
    base = model_identity(config.train.model, config.train.revision)
    checkpoints = store.cache_folder(output) / "train" / digest_of([current.digest, base])
    with store.publish(output, current) as dataset:
        tokenizer = load_tokenizer(config.train)
        template = marked_template(tokenizer, config.train.model)
        training, held_out = (
            encode(tokenizer, template, store.read(inputs["assemble"], table), config.train.max_length)
            for table in ("train", "validation")
        )
        _refuse_unrenderable(inputs["assemble"], training, config.train)
        _require_examples(training, config.train)
        cache = store.cache_folder(output)
        before = base_losses(lambda: load_model(config.train), base, held_out.examples, cache)
        difficulty = None
        if config.train.order == "curriculum":
            difficulty = base_losses(lambda: load_model(config.train), base, training.examples, cache)
        model = trainable(config.train, config.seed)
        settings = suited(config.train, model)
        fitted = fit(model, tokenizer, training.examples, settings, config.seed, checkpoints, difficulty)
        if not is_first_process():
            return dataset.summarise({})
        if settings.method != "full":
            save_adapter(fitted.weights, dataset.subfolder("adapter"))
        whole = merged(fitted.weights, settings)
        save_model(whole, settings, dataset.subfolder("model"))
        after = losses_of(whole, held_out.examples, "train: validation loss")

        dataset.write("log", fitted.log, TRAINING_LOG)
        dataset.write("validation", _validation(inputs["assemble"], held_out, before, after), VALIDATION_LOSSES)
        dataset.write("unused", _unused(inputs["assemble"], {"train": training, "validation": held_out}), UNUSED)
        losses = _losses(fitted.log, held_out, before, after)
        card = model_card(settings, current.parents["assemble"], current.config_digest, fitted.steps, losses)
        (dataset.subfolder("model") / "README.md").write_text(card, encoding="utf-8")
        notes = _notes(config.train, settings, training, fitted)
        summary = dataset.summarise({**losses, **_measures(fitted, training, settings)}, notes)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return summary


def suited(config: TrainConfig, model: Any) -> TrainConfig:
    """The settings, without packing where the model would let packed samples see each other."""
    if config.packing and not keeps_samples_apart(model):
        return config.model_copy(update={"packing": False})
    return config


def mean_of_quarter(losses: pl.Series) -> tuple[float, float]:
    """Means of the first and the last quarter of the steps (one step's loss is mostly about its rows)."""
    quarter = max(1, len(losses) // 4)
    return float(losses.head(quarter).to_numpy().mean()), float(losses.tail(quarter).to_numpy().mean())


def _validation(assembled: Path, held_out: Encoded, before: list[float], after: list[float]) -> pl.DataFrame:
    rows = store.read(assembled, "validation").select("id")[list(held_out.places)]
    tokens = [example.trained_tokens for example in held_out.examples]
    return rows.with_columns(
        tokens=pl.Series(tokens, dtype=pl.Int64),
        before=pl.Series(before, dtype=pl.Float64),
        after=pl.Series(after, dtype=pl.Float64),
    )


def _losses(log: pl.DataFrame, held_out: Encoded, before: list[float], after: list[float]) -> dict[str, float]:
    """Training and validation losses (nats per assistant token); the latter only where rows were held out."""
    first, last = mean_of_quarter(log["loss"])
    measured = {"loss_first": first, "loss_last": last}
    if held_out.examples:
        measured["validation_loss_before"] = mean_loss(before, held_out.examples)
        measured["validation_loss_after"] = mean_loss(after, held_out.examples)
    return {name: round(value, 6) for name, value in measured.items()}


def _measures(fitted: Fitted, training: Encoded, settings: TrainConfig) -> dict[str, float]:
    """`packing_efficiency` is the share of the sequences' room that tokens fill; it is absent without packing."""
    packing = training.tokens / (fitted.sequences * settings.max_length)
    return {
        "steps": float(fitted.steps),
        "tokens": float(fitted.tokens),
        "tokens_per_second": round(fitted.tokens_per_second, 1),
        "trainable_parameters": float(fitted.trainable_parameters),
        "truncated_rows": float(training.cut),
        "unusable_rows": float(len(training.unused)),
        **({"packing_efficiency": round(packing, 6)} if settings.packing else {}),
    }


def _notes(config: TrainConfig, settings: TrainConfig, training: Encoded, fitted: Fitted) -> tuple[str, ...]:
    notes = []
    if config.packing != settings.packing:
        notes.append(f"{config.model} would let packed samples see each other, so they were not packed")
    if training.cut:
        notes.append(
            f"{training.cut} rows were longer than train.max_length={config.max_length} tokens and lost their end"
        )
    notes += [
        f"{count} rows were left out: {reason} ({config.max_length} tokens)"
        if reason == NO_ANSWER_LEFT
        else f"{count} rows were left out: {reason}"
        for reason, count in Counter(training.unused.values()).most_common()
    ]
    if fitted.resumed_at:
        notes.append(f"went on from the checkpoint of step {fitted.resumed_at}")
    return tuple(notes)


def _require_examples(training: Encoded, config: TrainConfig) -> None:
    if training.examples:
        return
    raise DataError(
        f"train: none of {len(training.unused)} rows can be trained on: "
        + "; ".join(f"{reason} ({count})" for reason, count in Counter(training.unused.values()).most_common())
        + f"; raise train.max_length={config.max_length}, shorten the prompts, or take another train.model"
    )


def _refuse_unrenderable(assembled: Path, training: Encoded, config: TrainConfig) -> None:
    """Raise DataError for rows that the model's chat template cannot hold, unless they are to be left out."""
    lost = {place: reason for place, reason in training.unused.items() if reason != NO_ANSWER_LEFT}
    if not lost or config.unrenderable == "leave_out":
        return
    place, reason = next(iter(lost.items()))
    row = store.read(assembled, "train")["id"][place]
    raise DataError(
        f"train: {len(lost)} rows cannot be trained on as they are, the first is {row}: {reason}; take a train.model "
        "whose chat template has a place for it, or leave such rows out with train.unrenderable=leave_out"
    )


def _unused(assembled: Path, splits: Mapping[str, Encoded]) -> pl.DataFrame:
    rows = [
        (store.read(assembled, split)["id"][place], split, reason)
        for split, encoded in splits.items()
        for place, reason in encoded.unused.items()
    ]
    return pl.DataFrame(rows, schema=UNUSED, orient="row")
