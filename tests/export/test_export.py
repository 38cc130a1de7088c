"""What leaves a run comes back whole, or is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from entp import store
from entp.cli import app
from entp.config import Config
from entp.conversation import is_learnt
from entp.errors import DataError
from entp.export.formats import FORMATS
from entp.export.write import write_preferences, write_training_set
from entp.ingest.stage import run as ingest
from tests.datasets import publish
from tests.whole_pool import whole_run


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    whole_run(folder)
    return folder


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("name", ["messages", "sharegpt"])
def test_what_is_written_is_read_as_it_was(run, tmp_path, name):
    assert not write_training_set(run, name, tmp_path / "out")
    ingest(Config(), {"out": tmp_path / "out"}, tmp_path / "ingest")
    trained = store.read(run / "assemble", "train")
    again = store.read(tmp_path / "ingest", "samples")
    assert sorted(again["messages"].to_list(), key=str) == sorted(trained["messages"].to_list(), key=str)
    assert set(again["tools"]) == set(trained["tools"])


def test_prompt_and_completion_have_a_row_for_each_answer_that_is_learnt_from(run, tmp_path):
    write_training_set(run, "prompt_completion", tmp_path / "out")
    trained = store.read(run / "assemble", "train")["messages"].to_list()
    answers = [turn["content"] for messages in trained for turn in messages if is_learnt(turn)]
    rows = lines(tmp_path / "out" / "train.jsonl")
    assert [row["completion"][0]["content"] for row in rows] == answers
    assert "Whales" in json.dumps([row["prompt"] for row in rows])
    ingest(Config(), {"out": tmp_path / "out"}, tmp_path / "ingest")
    again = store.read(tmp_path / "ingest", "samples")["messages"].to_list()
    assert sorted(turn["content"] for messages in again for turn in messages if is_learnt(turn)) == sorted(answers)


def test_trl_takes_its_formats_as_they_are(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    from datasets import load_dataset
    from trl.data_utils import is_conversational

    write_training_set(run, "prompt_completion", tmp_path / "out")
    write_preferences(run, tmp_path / "preferences")
    for folder, keys in (("out", {"prompt", "completion"}), ("preferences", {"prompt", "chosen", "rejected"})):
        path = str(tmp_path / folder / "train.jsonl")
        rows = load_dataset("json", data_files=path, cache_dir=str(tmp_path / "cache"))["train"]
        assert keys <= set(rows.column_names)
        assert is_conversational(rows[0])


def test_preferences_come_back_as_preferences(run, tmp_path):
    assert write_preferences(run, tmp_path / "out") == (10, 0)
    ingest(Config(), {"out": tmp_path / "out"}, tmp_path / "ingest")
    sides = ["prompt", "chosen", "rejected"]
    again, before = (store.read(place / "ingest", "preferences").select(sides) for place in (tmp_path, run))
    assert sorted(again.rows(), key=str) == sorted(before.rows(), key=str)


def test_an_answer_of_which_only_a_label_is_known_keeps_it(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"prompt": "Why?", "completion": "No.", "label": false}\n')
    ingest(Config(), {"a": tmp_path / "a.jsonl"}, tmp_path / "ingest")
    assert write_preferences(tmp_path, tmp_path / "out") == (0, 1)
    (row,) = lines(tmp_path / "out" / "unpaired.jsonl")
    assert row["completion"][0]["content"] == "No."
    assert row["label"] is False


def test_what_a_format_has_no_place_for_is_counted(tmp_path):
    call = {"type": "function", "function": {"name": "look", "arguments": {}}}
    messages = [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": "I look.", "tool_calls": json.dumps([call])},
    ]
    row = {"id": "1", "origin": "hq", "source": "s", "messages": messages, "parents": ["1"]}
    publish(tmp_path, "assemble", train=[row], validation=[])
    with pytest.raises(DataError, match="no row can be written as sharegpt"):
        write_training_set(tmp_path, "sharegpt", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not write_training_set(tmp_path, "messages", tmp_path / "out")


def test_the_command_names_formats_and_folders(run, tmp_path):
    done = CliRunner().invoke(
        app, ["export", "--format", "sharegpt", "--output", str(run), "--to", str(tmp_path / "o")]
    )
    assert done.exit_code == 0
    assert done.stdout.strip() == str(tmp_path / "o")
    wrong = CliRunner().invoke(app, ["export", "--format", "sharegtp", "--output", str(run)])
    assert "did you mean 'sharegpt'?" in str(wrong.exception)
    empty = CliRunner().invoke(app, ["export", "--format", "messages", "--output", str(tmp_path)])
    assert "run `entp run` up to assemble first" in str(empty.exception)


def test_every_format_is_in_the_documentation():
    page = (Path(__file__).parents[2] / "docs" / "outputs.md").read_text()
    for name in FORMATS:
        assert f"`{name}`" in page
