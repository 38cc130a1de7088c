"""Which tasks there are, and where their data is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from entp.config import EvaluateConfig
from entp.errors import DataError, UsageError
from entp.evaluate.catalogue import BUILT_IN, absolute, check_tasks, load_suite, task_names

YAML = """\
task: capitals
dataset_path: json
dataset_kwargs: {data_files: {test: data/capitals.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: choices
doc_to_target: answer
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    rows = [{"question": "Capital of Peru?", "choices": ["Lima", "Quito"], "answer": 0}] * 3
    (tmp_path / "data" / "capitals.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    (tmp_path / "capitals.yaml").write_text(YAML)
    return tmp_path


def test_the_default_tasks_are_there():
    check_tasks(EvaluateConfig())
    assert task_names(BUILT_IN) == {"entp_knowledge", "entp_arithmetic", "entp_instructions"}


def test_an_unknown_task_is_refused_with_the_nearest_names():
    with pytest.raises(UsageError, match=r"no task 'entp_knowlege', .*; did you mean 'entp_knowledge'"):
        check_tasks(EvaluateConfig(tasks=["entp_knowlege"]))


def test_a_folder_that_is_not_there_is_refused_by_name():
    with pytest.raises(UsageError, match="/no/such is not a folder"):
        check_tasks(EvaluateConfig(include_path="/no/such"))


def test_a_broken_task_file_is_refused_by_name(folder: Path):
    (folder / "broken.yaml").write_text("task: [")
    with pytest.raises(UsageError, match=r"broken\.yaml: not valid YAML"):
        check_tasks(EvaluateConfig(tasks=["capitals"], include_path=str(folder)))


def test_relative_data_files_mean_the_folder_of_their_yaml():
    here = Path("/tasks")
    assert absolute({"test": "a.jsonl", "dev": ["b.jsonl", "/c.jsonl"]}, here) == {
        "test": "/tasks/a.jsonl",
        "dev": ["/tasks/b.jsonl", "/c.jsonl"],
    }
    assert absolute("https://host/a.jsonl", here) == "https://host/a.jsonl"


def test_a_folder_of_the_users_works_from_any_current_directory(folder: Path, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    suite = load_suite(EvaluateConfig(tasks=["capitals", "entp_arithmetic"], include_path=str(folder)))
    assert {name: len(task.eval_docs) for name, task in suite.tasks.items()} == {"capitals": 3, "entp_arithmetic": 20}


def test_the_members_of_a_group_belong_to_the_group(folder: Path):
    (folder / "all.yaml").write_text("group: all_capitals\ntask: [capitals]\n")
    suite = load_suite(EvaluateConfig(tasks=["all_capitals"], include_path=str(folder)))
    assert suite.owners == {"capitals": "all_capitals"}


def test_a_task_asked_for_twice_is_refused(folder: Path):
    (folder / "all.yaml").write_text("group: all_capitals\ntask: [capitals]\n")
    with pytest.raises(UsageError, match="'capitals' is asked for twice"):
        load_suite(EvaluateConfig(tasks=["capitals", "all_capitals"], include_path=str(folder)))


def test_a_task_whose_data_is_missing_is_named(folder: Path):
    (folder / "data" / "capitals.jsonl").unlink()
    with pytest.raises(DataError, match="'capitals' cannot be loaded"):
        load_suite(EvaluateConfig(tasks=["capitals"], include_path=str(folder)))


def test_a_broken_function_matters_only_to_those_who_ask_for_its_task(folder: Path):
    other = YAML.replace("task: capitals", "task: other") + "process_results: !function nowhere.score\n"
    (folder / "other.yaml").write_text(other)
    assert load_suite(EvaluateConfig(tasks=["capitals"], include_path=str(folder))).owners == {"capitals": "capitals"}
    with pytest.raises(DataError, match="'other' cannot be loaded"):
        load_suite(EvaluateConfig(tasks=["other"], include_path=str(folder)))


@pytest.mark.parametrize("name", ["entp_knowledge", "entp_arithmetic"])
def test_every_built_in_question_has_four_different_answers_and_a_right_one(name: str):
    rows = [json.loads(line) for line in (BUILT_IN / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    assert all(len(set(row["choices"])) == 4 and 0 <= row["answer"] < 4 for row in rows)
    assert len({row["question"] for row in rows}) == len(rows)
    assert {row["answer"] for row in rows} == {0, 1, 2, 3}
