"""The gate stage: compare the new model with the champion on the same items, and promote it or say why not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from entp import store
from entp.config import Config
from entp.errors import DataError, SetupError
from entp.gate import registry
from entp.gate.decide import OVERALL, Comparison, Scored, Verdict, compare, decide
from entp.records import DECISION, digest_of
from entp.stages import Inputs, identity
from entp.store import Summary
from entp.track.mlflow_tracker import MlflowTracker
from entp.track.run import open_run


def run(config: Config, inputs: Inputs, output: Path) -> Summary:
    """Promote the trained model where it beats the champion (the base model while there is none) beyond the noise."""
    gate = config.gate
    base, challenger = (_scored(inputs["evaluate"], model) for model in ("before", "after"))
    content = _content(inputs["train"])
    version: str | None = None

    with store.publish(output, identity("gate", config, inputs)) as dataset:
        with open_run(config, output.parent) as tracker:
            mlflow = tracker if isinstance(tracker, MlflowTracker) else None
            champion = registry.find_champion(mlflow.client, gate.registered_model, gate.alias) if mlflow else None
            opponent = _name(champion)
            rival = champion.scored if champion else base
            comparisons = compare(challenger, rival) if rival else []
            if champion and champion.content == content:
                verdict, version = _already(champion), champion.version
            else:
                verdict = decide(comparisons, gate.noise_multiple, gate.max_regression, gate.min_gain)
            if verdict.promoted and version is None and mlflow and not gate.hold:
                version = _promote(mlflow, config, inputs["train"], challenger)
        noise = gate.noise_multiple * verdict.stderr
        reason = _sentence(verdict, version, opponent, config) + _left_out(challenger, comparisons)
        decision = _rows(version, reason, opponent, comparisons, verdict, gate.noise_multiple)
        dataset.write("decision", decision, DECISION)
        metrics = {
            "passed": float(verdict.promoted),
            "promoted": float(version is not None),
            "gain": verdict.gain,
        }
        return dataset.summarise(metrics | ({"noise": noise} if math.isfinite(noise) else {}), (reason,))


def promote_held(config: Config, train: Path, evaluate: Path, decision: Path) -> str:
    """Promote the model that a held gate passed (`gate.hold`), and return its version.

    Raises DataError where it did not pass, or another model has become champion since, and SetupError without MLflow.
    """
    if store.read_summary(decision).metrics["passed"] != 1.0:
        raise DataError(f"{decision}: the gate did not pass this model, so it is not promoted")
    opponent = store.read(decision, "decision")["opponent"][0]
    with open_run(config, decision.parent) as tracker:
        if not isinstance(tracker, MlflowTracker):
            raise SetupError("tracking is off, so there is no registry to promote in; set MLFLOW_TRACKING_URI")
        champion = registry.find_champion(tracker.client, config.gate.registered_model, config.gate.alias)
        if champion and champion.content == _content(train):
            return champion.version
        if _name(champion) != opponent:
            raise DataError(
                f"the gate compared with {opponent}, but {_name(champion)} is champion now; run the pipeline again"
            )
        version = _promote(tracker, config, train, _scored(evaluate, "after"))
        tracker.log_summary(Summary("gate", {"promoted": 1.0}))
    return version


def _promote(tracker: MlflowTracker, config: Config, train: Path, challenger: Scored) -> str:
    where = (config.gate.registered_model, config.gate.alias)
    return registry.promote(tracker.client, tracker.run_id, *where, train / "model", challenger, _content(train))


def _content(train: Path) -> str:
    """Digest of the trained model's files."""
    return digest_of((store.read_manifest(train) or {})["contents"]["model"])


def _name(champion: registry.Champion | None) -> str:
    return f"champion version {champion.version}" if champion else "the base model"


def _scored(evaluate: Path, model: str) -> Scored:
    scores, items = (store.read(evaluate, name).filter(model=model).drop("model") for name in ("scores", "items"))
    return Scored(scores, items)


def _already(champion: registry.Champion) -> Verdict:
    return Verdict(True, f"this very model is champion already, as version {champion.version}", 0.0, 0.0)


def _sentence(verdict: Verdict, version: str | None, opponent: str, config: Config) -> str:
    name = f"{config.gate.registered_model}@{config.gate.alias}"
    if version is not None:
        return f"Promoted: {name} is version {version}. Against {opponent}, {verdict.reason}."
    if verdict.promoted and config.gate.hold:
        return f"Passed, and held: {name} is for a later step to move. Against {opponent}, {verdict.reason}."
    if verdict.promoted:
        return f"Not promoted: tracking is off, so there is no registry. Against {opponent}, {verdict.reason}."
    return f"Not promoted to {name}. Against {opponent}, {verdict.reason}."


def _left_out(challenger: Scored, comparisons: Sequence[Comparison]) -> str:
    """A sentence about the tasks that the decision does not rest on."""
    compared = {comparison.task for comparison in comparisons}
    tasks = [task for task in challenger.scores.filter("headline")["task"] if task not in compared]
    return f" Not compared, for want of the opponent's scores on the same items: {', '.join(tasks)}." if tasks else ""


def _rows(
    version: str | None,
    reason: str,
    opponent: str,
    comparisons: Sequence[Comparison],
    verdict: Verdict,
    noise_multiple: float,
) -> pl.DataFrame:
    """One row per task, then the mean over them."""
    shared = {"promoted": version is not None, "reason": reason, "opponent": opponent, "model_version": version}
    challenger, champion = ([getattr(c, name) for c in comparisons] for name in ("challenger", "champion"))
    overall = Comparison(OVERALL, _mean(challenger), _mean(champion), verdict.gain, verdict.stderr)
    rows = [
        {
            "task": comparison.task,
            "challenger": comparison.challenger,
            "champion": comparison.champion,
            "gain": comparison.gain,
            "noise": noise_multiple * comparison.stderr,
        }
        for comparison in [*comparisons, overall]
    ]
    table = pl.DataFrame([shared | row for row in rows], schema=DECISION)
    unknown = pl.selectors.float()
    return table.with_columns(pl.when(unknown.is_finite()).then(unknown))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
