"""The tables of the stage, written part by part while rows come in."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import polars as pl

from entp.ingest.readers import RawRow
from entp.ingest.sample import Table
from entp.records import PREFERENCES, QUARANTINE, REPEATS, SAMPLES
from entp.store import Dataset

ROWS_PER_PART = 50_000
RAW_CHARACTERS = 2_000
SCHEMAS = {"samples": SAMPLES, "preferences": PREFERENCES, "repeats": REPEATS, "quarantine": QUARANTINE}
#: Quarantined rows that an error shows and keeps.
EXAMPLES = 1_000


class Tables:
    """Rows on their way to Parquet. Only the ids of all samples stay in memory, some 120 bytes each."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.counts: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self._waiting: dict[str, list[Mapping[str, Any]]] = {table: [] for table in SCHEMAS}
        self._seen: set[bytes] = set()
        self.examples: list[dict[str, Any]] = []

    def add(self, table: Table, record: Mapping[str, Any]) -> None:
        """Keep a sample or a preference; one whose content was there before is a repeat."""
        key = bytes.fromhex(record["id"])
        if key in self._seen:
            self._add("repeats", {column: record[column] for column in REPEATS})
            return
        self._seen.add(key)
        self._add(table, record)

    def add_quarantined(self, row: RawRow, file: str, source: str, reason: str) -> None:
        """Set a row aside with its position and the start of its text."""
        raw = row.raw if row.fields is None else json.dumps(row.fields, ensure_ascii=False, default=str)
        shown = raw[:RAW_CHARACTERS].encode("utf-8", "backslashreplace").decode("utf-8")[:RAW_CHARACTERS]
        self.reasons[reason] += 1
        record = {"file": file, "line": row.line, "source": source, "reason": reason, "raw": shown}
        if len(self.examples) < EXAMPLES:
            self.examples.append(record)
        self._add("quarantine", record)

    def finish(self) -> None:
        """Write what is waiting; a table without rows gets one empty part."""
        for table, rows in self._waiting.items():
            if rows or not self.counts[table]:
                self._flush(table)

    def _add(self, table: str, row: Mapping[str, Any]) -> None:
        self.counts[table] += 1
        self._waiting[table].append(row)
        if len(self._waiting[table]) >= ROWS_PER_PART:
            self._flush(table)

    def _flush(self, table: str) -> None:
        schema = SCHEMAS[table]
        self.dataset.write(table, pl.DataFrame(self._waiting[table], schema=schema, orient="row"), schema)
        self._waiting[table] = []
