"""Write a run's training set and preferences as JSON lines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from entp import atomic, store
from entp.errors import DataError
from entp.export.formats import FORMATS, UnsuitedError, preference

SPLITS = ("train", "validation")


def write_training_set(run: Path, format_name: str, folder: Path) -> Counter[str]:
    """Write `train.jsonl` and `validation.jsonl`; returns counts of what could not be written, by reason.

    Raises DataError where the run has no training set, or nothing of it suits the format.
    """
    assembled = run / "assemble"
    if not store.is_published(assembled):
        raise DataError(f"{assembled}: no training set there; run `entp run` up to assemble first")
    left_out: Counter[str] = Counter()
    written = 0
    with atomic.new_folder(folder) as place:
        place.mkdir()
        for split in SPLITS:
            rows = store.read(assembled, split).iter_rows(named=True)
            written += _write(_rows(rows, format_name, left_out), place / f"{split}.jsonl")
        if not written:
            raise DataError(f"{assembled}: no row can be written as {format_name} ({dict(left_out)}); take messages")
    return left_out


def write_preferences(run: Path, folder: Path) -> tuple[int, int]:
    """Write `train.jsonl`, pairs, and `unpaired.jsonl`, completions with a label; returns the numbers of rows.

    Raises DataError where the run read no preferences.
    """
    ingested = run / "ingest"
    found = store.read(ingested, "preferences") if store.is_published(ingested) else None
    if found is None or found.is_empty():
        raise DataError(f"{ingested}: no preferences in it; they come of rows with chosen and rejected answers")
    rows = [preference(row) for row in found.iter_rows(named=True)]
    with atomic.new_folder(folder) as place:
        place.mkdir()
        pairs = _write((row for row in rows if "chosen" in row), place / "train.jsonl")
        unpaired = _write((row for row in rows if "label" in row), place / "unpaired.jsonl")
    return pairs, unpaired


def _rows(rows: Iterable[Mapping[str, Any]], format_name: str, left_out: Counter[str]) -> Iterator[dict[str, Any]]:
    for row in rows:
        try:
            yield from FORMATS[format_name].rows(row)
        except UnsuitedError as error:
            left_out[str(error)] += 1


def _write(rows: Iterable[Mapping[str, Any]], path: Path) -> int:
    """Write the rows; a file without any is not left, as readers choke on those."""
    count = 0
    with path.open("w", encoding="utf-8") as lines:
        for row in rows:
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    if not count:
        path.unlink()
    return count
