"""Rows with tools, reasoning, weights, system turns and preferences, from four formats to the labels of training."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from entp import store
from entp.assemble.stage import run as assemble
from entp.config import Config
from entp.conversation import is_learnt
from entp.ingest.stage import run as ingest
from entp.purge.stage import run as purge
from entp.train.chat_template import marked_template
from entp.train.examples import IGNORED, encode
from tests.datasets import publish
from tests.train.tiny import TOOLS_CHATML, tiny_tokenizer

TOPICS = ("basil", "tomatoes", "roses", "mint", "lettuce", "beans", "peas", "thyme", "leeks", "kale")
TOOL = {"type": "function", "function": {"name": "almanac", "parameters": {"type": "object"}}}
CONFIG = Config.model_validate(
    {
        "purge": {"min_kept_ratio": 0},
        "assemble": {"hq_share": 0.99, "fill_rows": 100, "validation_share": 0, "min_rows": 1},
    }
)


def rows_about(topic: str) -> list[dict[str, Any]]:
    """A row of each kind: tools, reasoning, weights, preferences."""
    question = {"role": "user", "content": f"When should I sow {topic} in a cold climate?"}
    answer = f"Sow {topic} after the last frost, in rows that are as far apart as a hand is wide."
    arguments = {("plant", "crop")[len(topic) % 2]: topic}
    call = {"id": "1", "type": "function", "function": {"name": "almanac", "arguments": arguments}}
    result = {"role": "tool", "tool_call_id": "1", "content": json.dumps({"last_frost": "15 May", "plant": topic})}
    system = {"role": "system", "content": f"You help people who grow {topic}."}
    return [
        {
            "messages": [question, {"role": "assistant", "content": None, "tool_calls": [call]}, result,
                         {"role": "assistant", "content": f"The almanac says 15 May for {topic}. {answer}"}],
            "tools": [TOOL],
        },
        {
            "messages": [system, {"role": "user", "content": f"How much water do {topic} need in a dry summer?"},
                         {"role": "assistant", "content": f"Water {topic} every evening, at the roots.",
                          "reasoning_content": f"In a dry summer the leaves of {topic} wilt by noon."}],
        },
        {
            "messages": [{"role": "user", "content": f"Which pests eat {topic}, and what keeps them away?"},
                         {"role": "assistant", "content": f"Whales eat {topic}.", "weight": 0},
                         {"role": "user", "content": "Are you sure about that?"},
                         {"role": "assistant", "content": f"No: slugs eat {topic}, and copper tape keeps them away."}],
        },
        {"prompt": [question], "chosen": [{"role": "assistant", "content": answer}],
         "rejected": [{"role": "assistant", "content": f"{topic} grow on the moon."}]},
    ]  # fmt: skip


def as_columns(row: dict[str, Any]) -> dict[str, Any]:
    """The row as CSV and Parquet hold it: columns that all rows have."""
    return {name: row.get(name) for name in ("messages", "tools", "prompt", "chosen", "rejected")}


def write_pool(folder: Path) -> list[dict[str, Any]]:
    """Forty rows in four formats."""
    folder.mkdir()
    groups = [[row for topic in TOPICS[start::4] for row in rows_about(topic)] for start in range(4)]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in groups[0]))
    (folder / "b.json").write_text(json.dumps(groups[1], indent=1))
    with (folder / "c.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["messages", "tools", "prompt", "chosen", "rejected"])
        writer.writeheader()
        for row in groups[2]:
            writer.writerow({name: value and json.dumps(value) for name, value in as_columns(row).items()})
    pq.write_table(pa.Table.from_pylist([as_columns(row) for row in groups[3]]), folder / "d.parquet")
    return [row for group in groups for row in group]


@pytest.fixture(scope="module")
def loop(tmp_path_factory) -> tuple[Path, list[dict[str, Any]]]:
    """The run folder after assemble, all samples that survive being HQ; and the rows that went in."""
    folder = tmp_path_factory.mktemp("whole")
    rows = write_pool(folder / "pool")
    ingest(CONFIG, {"pool": folder / "pool"}, folder / "ingest")
    purge(CONFIG, {"ingest": folder / "ingest"}, folder / "purge")
    survivors = store.read(folder / "purge", "samples")["id"]
    scores = [{"id": sample, "score_curated": 5, "confidence": 1.0, "tier": "HQ"} for sample in survivors]
    publish(folder, "curate", scores=scores)
    publish(folder, "pair")
    publish(folder, "mix")
    assemble(CONFIG, {name: folder / name for name in ("purge", "curate", "pair", "mix")}, folder / "assemble")
    return folder, rows


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
