"""Runs the real stage on a few lines of text; used by the tests of this folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from entp import store
from entp.config import Config
from entp.ingest.stage import run
from entp.store import Summary


class Ingested(NamedTuple):
    samples: pl.DataFrame
    repeats: pl.DataFrame
    quarantine: pl.DataFrame
    summary: Summary

    @property
    def turns(self) -> list[list[tuple[str, str]]]:
        """Every sample as (role, content) pairs."""
        return [[(turn["role"], turn["content"]) for turn in messages] for messages in self.samples["messages"]]

    @property
    def meta(self) -> list[dict[str, Any]]:
        return [json.loads(meta) for meta in self.samples["meta"]]

    @property
    def reasons(self) -> list[tuple[int, str]]:
        """(line, reason) of every quarantined row."""
        return list(self.quarantine.select("line", "reason").iter_rows())


def ingest(*paths: Path, **settings: Any) -> Ingested:
    """The stage's tables for these paths; `settings` are fields of the config section."""
    config = Config.model_validate({"ingest": settings})
    output = paths[0].parent / "out" / "ingest"
    summary = run(config, {f"input_{number:03d}": path for number, path in enumerate(paths)}, output)
    samples, repeats, quarantine = (store.read(output, table) for table in ("samples", "repeats", "quarantine"))
    return Ingested(samples, repeats, quarantine, summary)


def ingest_text(folder: Path, name: str, content: str | bytes, **settings: Any) -> Ingested:
    """The stage's tables for one file of this content."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return ingest(path, **settings)


def ingest_rows(folder: Path, *rows: Any, **settings: Any) -> Ingested:
    """The stage's tables for one JSON Lines file of these rows."""
    return ingest_text(folder, "rows.jsonl", "\n".join(json.dumps(row) for row in rows), **settings)
