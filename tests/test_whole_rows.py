"""Rows with tools, reasoning, weights, system turns and preferences, from four formats to the labels of training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from entp import store
from entp.conversation import is_learnt
from entp.ingest.stage import run as ingest
from entp.train.chat_template import marked_template
from entp.train.examples import IGNORED, encode
from tests.train.tiny import TOOLS_CHATML, tiny_tokenizer
from tests.whole_pool import CONFIG, whole_run


@pytest.fixture(scope="module")
def loop(tmp_path_factory) -> tuple[Path, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("whole")
    return folder, whole_run(folder)


def test_every_row_is_trained_on_whole_or_has_a_verdict_or_is_a_preference(loop):
    folder, rows = loop
    samples = store.read(folder / "ingest", "samples")
    assert (samples.height, store.read(folder / "ingest", "preferences").height) == (30, 10)
    assert store.read(folder / "ingest", "quarantine").is_empty()
    assert len(rows) == 40
    verdicts = store.read(folder / "purge", "verdicts").filter(~pl.col("keep"))
    trained = store.read(folder / "assemble", "train")
    assert set(trained["id"]) | set(verdicts["id"]) == set(samples["id"])
    both = trained.join(samples, on="id", suffix="_in")
    assert both["messages"].to_list() == both["messages_in"].to_list()
    assert both["tools"].to_list() == both["tools_in"].to_list()
    assert trained.height >= 25
    assert "null" not in "".join(turn["tool_calls"] or "" for talk in trained["messages"].to_list() for turn in talk)


def test_the_labels_spell_every_answer_that_is_learnt_from_and_nothing_else(loop):
    folder, _ = loop
    trained = store.read(folder / "assemble", "train")
    tokenizer = tiny_tokenizer(TOOLS_CHATML)
    encoded = encode(tokenizer, marked_template(tokenizer, "tiny"), trained, max_length=4096)
    assert encoded.unused == {}
    for example, messages in zip(encoded.examples, trained["messages"].to_list(), strict=True):
        learnt = tokenizer.decode([label for label in example.labels if label != IGNORED])
        expected = "".join(spelt(turn) for turn in messages if is_learnt(turn))
        assert learnt == expected


def spelt(turn: dict[str, Any]) -> str:
    """An answer as the template writes it."""
    thought = f"<think>{turn['reasoning']}</think>" if turn["reasoning"] else ""
    calls = json.loads(turn["tool_calls"]) if turn["tool_calls"] else []
    called = "".join(f"<tool_call>{json.dumps(call['function'])}</tool_call>" for call in calls)
    return f"{thought}{turn['content']}{called}<|im_end|>"


@pytest.mark.parametrize("file", ["train.jsonl", "train.parquet"])
def test_what_assemble_writes_is_read_as_it_was(loop, tmp_path, file):
    folder, _ = loop
    ingest(CONFIG, {"again": folder / "assemble" / "dataset" / file}, tmp_path / "ingest")
    again = store.read(tmp_path / "ingest", "samples")
    assert set(again["id"]) == set(store.read(folder / "assemble", "train")["id"])
