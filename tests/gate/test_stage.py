"""The gate against a real MLflow registry on SQLite."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from entp import params, store
from entp.gate import registry, stage
from entp.records import EVALUATION_ITEMS, EVALUATION_SCORES
from entp.store import Identity
from entp.track.client import open_client, tracking_uri
from tests.mlflow_store import INJECTED, put_empty_store

WEAK, FAIR, STRONG = [0.0] * 15 + [1.0] * 5, [0.0] * 10 + [1.0] * 10, [0.0] * 2 + [1.0] * 18
NAME, ALIAS = "entp-sft", "champion"


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    """No run or server injected from outside, and an empty store."""
    for name in INJECTED:
        monkeypatch.delenv(name, raising=False)
    put_empty_store(tmp_path)


def gated(output: Path, before: list[float], after: list[float], *overrides: str, weights: str = ""):
    """Publish a trained model and its evaluation into `output`, and let the gate decide."""
    with store.publish(output / "train", Identity("train", {}, "test", {})) as dataset:
        (dataset.subfolder("model") / "model.safetensors").write_text(weights or str(after))
    values = {"before": before, "after": after}
    items = [
        {"model": model, "task": "quiz", "subtask": "quiz", "item": str(place), "metric": "acc", "value": value}
        for model in values
        for place, value in enumerate(values[model])
    ]
    scores = [
        {"model": model, "task": "quiz", "metric": "acc", "value": sum(rows) / len(rows), "stderr": 0.1}
        | {"items": len(rows), "headline": True, "higher_is_better": True}
        for model, rows in values.items()
    ]
    with store.publish(output / "evaluate", Identity("evaluate", {}, "test", {})) as dataset:
        dataset.write("scores", pl.DataFrame(scores, schema=EVALUATION_SCORES), EVALUATION_SCORES)
        dataset.write("items", pl.DataFrame(items, schema=EVALUATION_ITEMS), EVALUATION_ITEMS)
    inputs = {"train": output / "train", "evaluate": output / "evaluate"}
    return stage.run(params.load(None, overrides), inputs, output / "gate")


def client_of(output: Path):
    return open_client(tracking_uri(params.load(), output))


def champion_of(output: Path) -> str:
    return str(client_of(output).get_model_version_by_alias(NAME, ALIAS).version)


def versions_in(output: Path) -> list[str]:
    return sorted(str(found.version) for found in client_of(output).search_model_versions(f"name='{NAME}'"))


def test_a_model_that_beats_the_base_beyond_the_noise_becomes_champion(tmp_path):
    summary = gated(tmp_path / "run", WEAK, STRONG)
    assert summary.metrics["promoted"] == 1.0
    assert summary.metrics["gain"] > summary.metrics["noise"] > 0
    assert summary.notes[0].startswith("Promoted: entp-sft@champion is version 1. Against the base model")
    assert champion_of(tmp_path / "run") == "1"


def test_a_model_within_the_noise_is_refused_and_not_registered(tmp_path):
    summary = gated(tmp_path / "run", FAIR, [*FAIR[:-1], 0.0])
    assert summary.metrics["promoted"] == 0.0
    assert "not beyond the noise" in summary.notes[0]
    assert versions_in(tmp_path / "run") == []


def test_the_decision_has_a_row_per_task_and_an_overall_row(tmp_path):
    gated(tmp_path / "run", WEAK, STRONG)
    decision = store.read(tmp_path / "run" / "gate", "decision")
    assert decision["task"].to_list() == ["quiz", "overall"]
    assert decision["gain"].to_list() == pytest.approx([0.65, 0.65])
    assert decision.select("promoted", "opponent", "model_version").unique().rows() == [(True, "the base model", "1")]


def test_the_same_model_is_registered_once(tmp_path):
    first = gated(tmp_path / "run", WEAK, STRONG)
    again = gated(tmp_path / "run", WEAK, STRONG)
    assert (first.metrics["promoted"], again.metrics["promoted"]) == (1.0, 1.0)
    assert "champion already, as version 1" in again.notes[0]
    assert versions_in(tmp_path / "run") == ["1"]


def test_the_next_model_must_beat_the_champion_not_the_base(tmp_path):
    gated(tmp_path / "one", WEAK, STRONG)
    summary = gated(tmp_path / "two", WEAK, FAIR)
    assert summary.metrics["promoted"] == 0.0
    assert "Against champion version 1" in summary.notes[0]
    assert champion_of(tmp_path / "two") == "1"


def test_a_better_model_takes_the_alias_from_the_champion(tmp_path):
    gated(tmp_path / "one", WEAK, FAIR)
    assert gated(tmp_path / "two", WEAK, STRONG).metrics["promoted"] == 1.0
    assert champion_of(tmp_path / "two") == "2"


def test_a_model_that_was_registered_before_gets_the_alias_back_without_a_new_version(tmp_path):
    gated(tmp_path / "one", WEAK, STRONG)
    client_of(tmp_path / "one").delete_registered_model_alias(NAME, ALIAS)
    assert gated(tmp_path / "one", WEAK, STRONG).metrics["promoted"] == 1.0
    assert (champion_of(tmp_path / "one"), versions_in(tmp_path / "one")) == ("1", ["1"])


def test_a_version_keeps_its_weights_when_its_run_goes_on_to_another_model(tmp_path):
    gated(tmp_path / "run", WEAK, FAIR, weights="first")
    gated(tmp_path / "run", WEAK, STRONG, weights="second")
    client = client_of(tmp_path / "run")
    for version, weights in (("1", "first"), ("2", "second")):
        source = client.get_model_version(NAME, version).source.removeprefix("file://")
        assert (Path(source) / "model.safetensors").read_text() == weights


def test_a_champion_whose_scores_are_gone_is_not_replaced(tmp_path):
    gated(tmp_path / "one", WEAK, FAIR)
    client = client_of(tmp_path / "one")
    stranger = client.create_model_version(NAME, "file:///elsewhere").version
    client.set_registered_model_alias(NAME, ALIAS, stranger)
    summary = gated(tmp_path / "two", WEAK, STRONG)
    assert summary.metrics["promoted"] == 0.0
    assert "no evaluation item in common" in summary.notes[0]
    assert "Not compared" in summary.notes[0]


def test_a_registry_that_fails_does_not_pass_for_one_without_a_champion():
    from mlflow.exceptions import MlflowException

    class Failing:
        def get_model_version_by_alias(self, *_):
            raise MlflowException("the database is locked", error_code=14)

    with pytest.raises(MlflowException):
        registry.find_champion(Failing(), NAME, ALIAS)


def test_without_tracking_the_decision_stands_but_nothing_is_promoted(tmp_path):
    summary = gated(tmp_path / "run", WEAK, STRONG, "track.uri=none")
    assert summary.metrics["promoted"] == 0.0
    assert summary.notes[0].startswith("Not promoted: tracking is off")
    assert store.read(tmp_path / "run" / "gate", "decision")["gain"].to_list() == pytest.approx([0.65, 0.65])
