"""The command line as a user meets it: real processes, exit codes, messages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROW = {"instruction": "Name the largest planet of the solar system.", "output": "Jupiter is the largest planet."}


def entp(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from entp.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    (tmp_path / "pool.jsonl").write_text(json.dumps(ROW) + "\n")
    return tmp_path / "pool.jsonl"


def fails(result: subprocess.CompletedProcess[str], code: int, *parts: str) -> None:
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    message = " ".join(result.stderr.split())
    for part in parts:
        assert part in message


def test_help_shows_the_commands_with_the_stages_in_order(tmp_path):
    text = entp("--help", cwd=tmp_path).stdout.split("Stages, in order")[1]
    places = [text.index(f" {name} ") for name in ("ingest", "purge", "rate", "curate", "pair", "mix", "assemble")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "command",
    [
        "run",
        "ingest",
        "mix",
        "plan",
        "ablate",
        "explain",
        "trace",
        "report",
        "params",
        "submit",
        "retrain",
        "preflight",
    ],
)
def test_every_command_has_an_example(command, tmp_path):
    text = entp(command, "--help", cwd=tmp_path).stdout
    assert f"entp {command}" in text


def test_a_missing_file_is_a_usage_error(tmp_path):
    result = entp("run", "--input", "nowhere.jsonl", "--output", "run", "--until", "purge", cwd=tmp_path)
    fails(result, 2, "nowhere.jsonl")


def test_an_empty_file_is_a_data_error(tmp_path):
    (tmp_path / "empty.jsonl").write_text("")
    fails(entp("ingest", "--input", "empty.jsonl", "--output", "run", cwd=tmp_path), 3, "empty.jsonl")


def test_a_wrong_encoding_is_a_data_error_with_a_remedy(tmp_path):
    (tmp_path / "latin.jsonl").write_bytes(json.dumps(ROW, ensure_ascii=False).encode("utf-16"))
    fails(entp("ingest", "--input", "latin.jsonl", "--output", "run", cwd=tmp_path), 3, "latin.jsonl", "iconv")


def test_rows_of_an_unknown_shape_are_a_data_error_naming_the_columns(tmp_path):
    (tmp_path / "odd.jsonl").write_text('{"colour": "blue", "weight": 3}\n')
    fails(entp("ingest", "--input", "odd.jsonl", "--output", "run", cwd=tmp_path), 3, "odd.jsonl", "colour", "weight")


def test_a_config_typo_is_a_usage_error_with_the_near_name(pool):
    result = entp("run", "--input", pool, "--output", "run", "mix.max_pair=3", cwd=pool.parent)
    fails(result, 2, "mix.max_pair", "did you mean `mix.max_pairs`?")


def test_a_model_that_is_not_there_is_an_environment_error(pool):
    entp("run", "--input", pool, "--output", "run", "--until", "purge", cwd=pool.parent)
    result = entp("rate", "--output", "run", "llm.model=./no-such-model", cwd=pool.parent)
    fails(result, 4, "no-such-model")


def test_an_endpoint_that_is_down_is_an_environment_error(pool):
    entp("run", "--input", pool, "--output", "run", "--until", "purge", cwd=pool.parent)
    arguments = ["llm.endpoint=http://127.0.0.1:9/v1", "llm.model=some", "llm.retries=0", "rate.raters=[judge]"]
    fails(entp("rate", "--output", "run", *arguments, cwd=pool.parent), 4, "http://127.0.0.1:9/v1")


def test_a_pool_in_which_nothing_survives_names_the_commonest_reasons(tmp_path):
    rows = [{"instruction": f"Question {n}?", "output": ""} for n in range(4)]
    rows += [{"instruction": f"Tell me about topic {n}.", "output": "### @@@ ### !!! %%% ***"} for n in range(5)]
    (tmp_path / "pool.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    fails(entp("run", "--input", "pool.jsonl", "--output", "run", cwd=tmp_path), 3, "symbol_heavy")


def test_debug_shows_the_traceback(tmp_path):
    result = entp("--debug", "run", "--input", "nowhere.jsonl", cwd=tmp_path)
    assert result.returncode == 2
    assert "Traceback" in result.stderr


def test_several_paths_may_follow_one_input_option(pool):
    (pool.parent / "more.jsonl").write_text(json.dumps({**ROW, "output": "It is Jupiter, a gas giant."}) + "\n")
    result = entp("run", "--input", pool, "more.jsonl", "--output", "run", "--until", "ingest", cwd=pool.parent)
    assert result.returncode == 0, result.stderr
    metrics = json.loads((pool.parent / "run" / "metrics" / "ingest.json").read_text())
    assert metrics["samples"] == 2
