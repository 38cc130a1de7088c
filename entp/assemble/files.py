"""The training set as files: JSON lines and Parquet of each split, and the card by which both load."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from entp import store
from entp.assemble.card import dataset_card
from entp.conversation import EXTRAS, plain
from entp.records import TRAINING

#: Order of the keys in a JSONL row: what a trainer reads comes first.
JSON_KEYS = ("messages", "tools", "id", "origin", "source", "parents")
#: What the files call a turn's fields that tables name otherwise.
FILE_NAMES = {"reasoning": "reasoning_content"}


def write_files(folder: Path, splits: Mapping[str, pl.DataFrame], parents: Mapping[str, str]) -> None:
    """Write each split that has rows, and the card, which names `parents` (digests by stage)."""
    for name, rows in splits.items():
        table = rows.select(list(TRAINING)).cast(TRAINING)
        as_columns(table).write_parquet(folder / f"{name}.parquet", compression="zstd")
        with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as lines:
            for row in table.iter_rows(named=True):
                lines.write(json.dumps(as_json(row), ensure_ascii=False) + "\n")
    files = {file.name: store.file_sha256(file) for file in sorted(folder.iterdir())}
    (folder / "README.md").write_text(dataset_card(splits, parents, files), encoding="utf-8")


def as_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """A TRAINING row as trainers read it: turns with what they have, tools as objects, no `tools` where none are."""
    tools = {"tools": json.loads(row["tools"])} if row["tools"] else {}
    written = {**row, "messages": plain(row["messages"]), **tools}
    return {key: written[key] for key in JSON_KEYS if key != "tools" or tools}


def as_columns(table: pl.DataFrame) -> pl.DataFrame:
    """A TRAINING table with the JSON's names; tools and their calls stay JSON text, and what no row has is left out."""
    turn = pl.element().struct
    turns = table["messages"].explode(empty_as_null=False).struct
    here = [name for name in EXTRAS if turns.field(name).null_count() < len(turns.field(name))]
    named = ["role", "content", *(name for name in here if name != "learn")]
    fields = [turn.field(name).alias(FILE_NAMES.get(name, name)) for name in named]
    if "learn" in here:
        fields.append(pl.when(turn.field("learn").not_()).then(pl.lit(0)).alias("weight"))
    written = table.with_columns(messages=pl.col("messages").list.eval(pl.struct(fields)))
    return written if table["tools"].null_count() < table.height else written.drop("tools")
