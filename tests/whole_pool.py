"""A pool of rows with tools, reasoning, weights, system turns and preferences, and the stages that keep them whole."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from entp import store
from entp.assemble.stage import run as assemble
from entp.config import Config
from entp.ingest.stage import run as ingest
from entp.purge.stage import run as purge
from tests.datasets import publish

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


def whole_run(folder: Path) -> list[dict[str, Any]]:
    """The stages up to assemble in `folder`, all samples that survive being HQ; returns the rows that went in."""
    rows = write_pool(folder / "pool")
    ingest(CONFIG, {"pool": folder / "pool"}, folder / "ingest")
    purge(CONFIG, {"ingest": folder / "ingest"}, folder / "purge")
    survivors = store.read(folder / "purge", "samples")["id"]
    scores = [{"id": sample, "score_curated": 5, "confidence": 1.0, "tier": "HQ"} for sample in survivors]
    publish(folder, "curate", scores=scores)
    publish(folder, "pair")
    publish(folder, "mix")
    assemble(CONFIG, {name: folder / name for name in ("purge", "curate", "pair", "mix")}, folder / "assemble")
    return rows
