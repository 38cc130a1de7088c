"""Public benchmarks from local files: every item is there, and answers score as by the harness's own code."""

from __future__ import annotations

import json
import os
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from entp.config import EvaluateConfig
from entp.errors import DataError, SetupError
from entp.evaluate import harness
from entp.evaluate.catalogue import Suite, _folders, load_suite
from entp.evaluate.engine import Model
from entp.evaluate.harness import Conditions, evaluate_model
from entp.evaluate.public_benchmarks import BENCHMARKS, load
from entp.evaluate.rows import Outcome

DATA = Path(os.environ.get("ENTP_TEST_DATA", "/nowhere")) / "benchmarks"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="ENTP_TEST_DATA names no folder of public data")
SHOWN = 24


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")


def suite(*tasks: str) -> Suite:
    return load_suite(EvaluateConfig(tasks=list(tasks), data_path=str(DATA)))


@needs_data
def test_the_paper_s_five_benchmarks_load_offline_with_all_their_items():
    loaded = suite("mmlu", "gsm8k_cot", "truthfulqa_mc1", "truthfulqa_mc2", "bbh_cot_fewshot", "tydiqa_goldp")
    items: Counter[str] = Counter()
    for leaf, task in loaded.tasks.items():
        items[loaded.owners[leaf].split("_")[0]] += len(task.eval_docs)
    assert items == {"mmlu": 14_042, "gsm8k": 1_319, "truthfulqa": 2 * 817, "bbh": 6_511, "tydiqa": 5_077}


def answered(monkeypatch: pytest.MonkeyPatch, tasks: list[str], write: Any = None, rank: Any = None) -> Outcome:
    """What `evaluate` makes of a model that writes `write(doc, number)` and likes a continuation by `rank(text)`."""
    from lm_eval.api.model import LM

    class Parrot(LM):
        def generate_until(self, requests: Any, **_: Any) -> list[str]:
            return [write(request.doc, request.doc_id) for request in requests]

        def loglikelihood(self, requests: Any, **_: Any) -> list[tuple[float, bool]]:
            return [(rank(request.args[1]), False) for request in requests]

        def loglikelihood_rolling(self, requests: Any, **_: Any) -> list[float]:
            raise AssertionError(f"no task here asks for the likelihood of a whole text: {requests}")

    monkeypatch.setattr(harness, "loaded", lambda *_: nullcontext(Parrot()))
    conditions = Conditions(chat=False, limit=SHOWN, batch_size=1, seed=0)
    return evaluate_model(Model("after", "parrot", None, ""), suite(*tasks), conditions)


def headline(outcome: Outcome, task: str) -> float:
    return next(row["value"] for row in outcome.scores if row["task"] == task and row["headline"])


@needs_data
def test_mmlu_scores_the_letter_of_the_right_choice(monkeypatch: pytest.MonkeyPatch):
    outcome = answered(monkeypatch, ["mmlu_anatomy"], rank=lambda text: 0.0 if text.strip() == "B" else -1.0)
    rows = [json.loads(line) for line in (DATA / "mmlu_test.jsonl").open()]
    gold = [row["answer"] for row in rows if row["subject"] == "anatomy"][:SHOWN]
    assert headline(outcome, "mmlu_anatomy") == pytest.approx(gold.count("B") / SHOWN)


@needs_data
def test_truthfulqa_scores_the_best_answer_and_the_mass_of_right_ones(monkeypatch: pytest.MonkeyPatch):
    from lm_eval.tasks.truthfulqa.utils import process_results_mc2

    def rank(text: str) -> float:
        return -float(len(text))

    outcome = answered(monkeypatch, ["truthfulqa_mc1", "truthfulqa_mc2"], rank=rank)
    items = load(next(b for b in BENCHMARKS if b.folder == "truthfulqa"), DATA, "")["validation"].select(range(SHOWN))
    best = [[rank(f" {choice}") for choice in doc["mc1_targets"]["choices"]] for doc in items]
    told = [[(rank(f" {choice}"), False) for choice in doc["mc2_targets"]["choices"]] for doc in items]
    first = [ranks.index(max(ranks)) == 0 for ranks in best]
    mass = [process_results_mc2(doc, answers)["acc"] for doc, answers in zip(items, told, strict=True)]
    assert headline(outcome, "truthfulqa_mc1") == pytest.approx(sum(first) / SHOWN)
    assert headline(outcome, "truthfulqa_mc2") == pytest.approx(sum(mass) / SHOWN)


@needs_data
def test_gsm8k_scores_the_number_after_the_answer_is(monkeypatch: pytest.MonkeyPatch):
    def write(doc: dict[str, str], number: int) -> str:
        gold = doc["answer"].rpartition("#### ")[2]
        return f"So it is. The answer is {gold if number % 3 else '-1'}."

    outcome = answered(monkeypatch, ["gsm8k_cot"], write=write)
    assert headline(outcome, "gsm8k_cot") == pytest.approx(sum(n % 3 > 0 for n in range(SHOWN)) / SHOWN)


@needs_data
def test_bbh_scores_what_follows_the_answer_is(monkeypatch: pytest.MonkeyPatch):
    task = "bbh_cot_fewshot_boolean_expressions"
    outcome = answered(monkeypatch, [task], write=lambda *_: "So the answer is True.")
    rows = [json.loads(line) for line in (DATA / "bbh.jsonl").open()]
    gold = [row["target"] for row in rows if row["task"] == "boolean_expressions"][:SHOWN]
    assert headline(outcome, task) == pytest.approx(gold.count("True") / SHOWN)


@needs_data
def test_tydiqa_scores_words_in_common(monkeypatch: pytest.MonkeyPatch):
    from lm_eval.tasks.tydiqa.utils import f1_score

    def write(doc: dict[str, Any], _: int) -> str:
        return f"It was {doc['answers']['text'][0] if isinstance(doc['answers'], dict) else doc['answers'][0]}"

    outcome = answered(monkeypatch, ["tydiqa_goldp_en"], write=write)
    rows = [json.loads(line) for line in (DATA / "tydiqa_goldp_dev.jsonl").open()]
    english = [row for row in rows if row["lang"] == "english"][:SHOWN]
    expected = [
        max(f1_score(f"It was {row['answers'][0]['text']}", answer["text"], "en") for answer in row["answers"])
        for row in english
    ]
    found = next(row["value"] for row in outcome.scores if row["metric"] == "f1")
    assert found == pytest.approx(sum(expected) / SHOWN)
    assert len([row for row in outcome.items if row["metric"] == "f1"]) == SHOWN


@needs_data
def test_math500_scores_equal_answers_however_they_are_set(monkeypatch: pytest.MonkeyPatch):
    def write(doc: dict[str, str], number: int) -> str:
        answer = doc["answer"].replace("\\frac", "\\dfrac")
        return f"We find $x$ and so ${answer}$." if number % 4 == 1 else f"${answer}$" if number % 4 else "$-77$"

    outcome = answered(monkeypatch, ["hendrycks_math500"], write=write)
    # What stands between the first dollar sign and the last is the answer: a formula before it spoils it.
    assert headline(outcome, "hendrycks_math500") == pytest.approx(sum(n % 4 > 1 for n in range(SHOWN)) / SHOWN)
    assert len(suite("hendrycks_math500").tasks["hendrycks_math500"].eval_docs) == 500


@needs_data
def test_ifeval_scores_instructions_followed(monkeypatch: pytest.MonkeyPatch):
    import nltk

    try:
        nltk.data.find("tokenizers/punkt_tab")
    except LookupError:
        pytest.skip("NLTK's punkt_tab is not here (python -m nltk.downloader punkt_tab)")
    rows = [json.loads(line) for line in (DATA / "ifeval.jsonl").open()][:SHOWN]
    outcome = answered(monkeypatch, ["ifeval"], write=lambda *_: "no commas here")
    followed = [row["instruction_id_list"] == ["punctuation:no_comma"] for row in rows]
    assert headline(outcome, "ifeval") >= sum(followed) / SHOWN


@needs_data
def test_ifeval_without_its_sentences_says_so_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch):
    import nltk

    def missing(*_: object) -> None:
        raise LookupError

    monkeypatch.setattr(nltk.data, "find", missing)
    monkeypatch.setattr(nltk, "download", lambda *_, **__: False)
    with pytest.raises(SetupError, match=r"punkt_tab, which is not here .* NLTK_DATA"):
        suite("ifeval")


def test_only_what_is_asked_for_is_read():
    config = EvaluateConfig(tasks=["entp_arithmetic", "gsm8k", "mmlu_anatomy"], data_path="/nowhere")
    assert [folder.name for folder in _folders(config)] == ["tasks", "default", "gsm8k"]
    assert [folder.name for folder in _folders(EvaluateConfig())] == ["tasks"]


def test_a_folder_without_the_file_is_refused_by_name(tmp_path: Path):
    with pytest.raises(DataError, match=r"'gsm8k_cot' cannot be loaded .*gsm8k_test\.jsonl is not there"):
        load_suite(EvaluateConfig(tasks=["gsm8k_cot"], data_path=str(tmp_path)))


def test_a_broken_line_is_named(tmp_path: Path):
    (tmp_path / "gsm8k_test.jsonl").write_text('{"question": "1 + 1?", "answer": "#### 2"}\n{"question": \n')
    with pytest.raises(DataError, match=r"gsm8k_test\.jsonl:2: not JSON"):
        load(next(b for b in BENCHMARKS if b.folder == "gsm8k"), tmp_path, "")
