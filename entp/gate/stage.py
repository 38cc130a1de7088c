"""The gate stage: compare the new model with the champion on the same items, and promote it or say why not."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from entp import store
from entp.config import Config
from entp.gate import registry
from entp.gate.decide import Comparison, Verdict, compare, decide
from entp.records import DECISION
from entp.stages import Inputs, identity
from entp.store import Summary
from entp.track import MlflowTracker, open_run


def run(config: Config, inputs: Inputs, output: Path) -> Summary:
    """Promote the trained model where it beats the champion (the base model while there is none) beyond the noise."""
    scores = store.read(inputs["evaluate"], "scores")
    items = _headline_items(store.read(inputs["evaluate"], "items"), scores)
    better = dict(scores.filter("headline").select("task", "higher_is_better").unique(maintain_order=True).iter_rows())
    challenger, base = items["after"], items["before"]
    content = store.content_digest(inputs["train"])

    with open_run(config, output.parent) as tracker:
        mlflow = tracker if isinstance(tracker, MlflowTracker) else None
        gate = config.gate
        champion = registry.find_champion(mlflow.client, gate.registered_model, gate.alias) if mlflow else None
        version: str | None = None
        if champion is not None and champion.content == content:
            comparisons = compare(challenger, base, better)
            verdict = _already(champion, comparisons)
            version = champion.version
        else:
            rival = base if champion is None else champion.items
            comparisons = compare(challenger, rival, better) if rival is not None else []
            verdict = decide(comparisons, gate.noise_multiple, gate.max_regression)
            if verdict.promoted and mlflow is not None:
                name, alias, model = gate.registered_model, gate.alias, inputs["train"] / "model"
                version = registry.promote(mlflow.client, mlflow.run_id, name, alias, model, challenger, content)

    against = "the base model" if champion is None else f"champion version {champion.version}"
    with store.publish(output, identity("gate", config, inputs)) as dataset:
        dataset.write("decision", _rows(verdict, comparisons, version), DECISION)
        metrics = {"promoted": float(version is not None), "gain": verdict.gain, "noise": verdict.stderr}
        return dataset.summarise(metrics, (_sentence(verdict, version, against, config),))


def _headline_items(items: pl.DataFrame, scores: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Item values of each task's headline metric, by model."""
    headline = scores.filter("headline").select("task", "metric").unique()
    chosen = items.join(headline, on=["task", "metric"])
    return {name: chosen.filter(pl.col("model") == name).drop("model") for name in ("before", "after")}


def _already(champion: registry.Champion, comparisons: list[Comparison]) -> Verdict:
    gain = sum(comparison.gain for comparison in comparisons) / max(len(comparisons), 1)
    return Verdict(True, f"this very model is champion already, as version {champion.version}", gain, 0.0)


def _sentence(verdict: Verdict, version: str | None, against: str, config: Config) -> str:
    name = f"{config.gate.registered_model}@{config.gate.alias}"
    if version is not None:
        return f"Promoted: {name} is version {version}. Against {against}, {verdict.reason}."
    if verdict.promoted:
        return f"Not promoted: tracking is off, so there is no registry. Against {against}, {verdict.reason}."
    return f"Not promoted to {name}. Against {against}, {verdict.reason}."


def _rows(verdict: Verdict, comparisons: list[Comparison], version: str | None) -> pl.DataFrame:
    tasks = [(c.task, c.challenger, c.champion, c.stderr) for c in comparisons]
    count = max(len(tasks), 1)
    mean = ("mean", sum(row[1] for row in tasks) / count, sum(row[2] for row in tasks) / count, verdict.stderr)
    rows = [
        {
            "promoted": version is not None,
            "reason": verdict.reason,
            "task": task,
            "challenger": challenger,
            "champion": champion,
            "noise": noise,
            "model_version": version,
        }
        for task, challenger, champion, noise in [*tasks, mean]
    ]
    return pl.DataFrame(rows, schema=DECISION)
