"""The ingest stage: files in, canonical samples, preferences, repeats and quarantine out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from entp import store
from entp.config import Config, IngestConfig
from entp.errors import DataError
from entp.ingest.encoding import has_bad_text, wrong_encoding
from entp.ingest.files import InputFile, find_files
from entp.ingest.readers import RawRow, read_rows
from entp.ingest.reasons import REASONS, RowError
from entp.ingest.sample import read_row, source_of
from entp.ingest.shapes import SHAPES, usual_shape
from entp.ingest.tables import Tables
from entp.progress import Advance, progress
from entp.stages import Inputs, identity
from entp.store import Summary

#: Rows at the start of a file that its usual shape is told from.
HEAD_ROWS = 1_000
ROWS_PER_TICK = 500
#: Characters of a row that an error shows.
EXAMPLE_CHARACTERS = 200
KIB = 1024


def run(config: Config, inputs: Inputs, output: Path) -> Summary:
    """Read every row of `inputs` (label -> file or folder) into samples, preferences, repeats or quarantine.

    Raises UsageError for a missing path or unknown file format, DataError for a file that cannot be read as a whole, or
    when fewer rows than `ingest.min_kept_ratio` could be read; the rows in quarantine are left beside `output` then.
    """
    files, notes = find_files(inputs)
    kept_back = output.with_name(f"{output.name}.quarantine.jsonl")
    kept_back.unlink(missing_ok=True)
    with store.publish(output, identity("ingest", config, inputs)) as dataset:
        tables = Tables(dataset)
        rows_read = 0
        with progress("ingest (KiB)", sum(file.path.stat().st_size for file in files) // KIB) as advance:
            for file in files:
                rows_read += _ingest(file, config.ingest, tables, advance, kept_back)
        tables.finish()
        if not rows_read:
            raise DataError(f"{files[0].path}: no rows in it, nor in any other file; leave it out, or fill it")
        _check(tables, rows_read, config.ingest.min_kept_ratio, kept_back)
        return dataset.summarise(_metrics(tables, rows_read), tuple(notes))


def _ingest(file: InputFile, config: IngestConfig, tables: Tables, advance: Advance, kept_back: Path) -> int:
    """Read one file into the tables; returns the number of its rows."""
    reasons: Counter[str] = Counter()
    count = 0
    try:
        with file.path.open("rb") as handle:
            rows = _ticking(read_rows(file, handle), handle, advance)
            head = list(islice(rows, HEAD_ROWS))
            usual = usual_shape((row.fields for row in head if row.fields is not None), config.format)
            for row in chain(head, rows):
                count += 1
                try:
                    tables.add(*read_row(row, file, usual, config))
                except RowError as bad:
                    reasons[bad.reason] += 1
                    tables.add_quarantined(row, file.name, source_of(row, file, config), bad.reason)
    except (OSError, pa.ArrowException) as error:
        raise DataError(
            f"{file.path}: cannot be read to its end ({error}); is it complete, and what its ending says?"
        ) from error
    garbled = any(has_bad_text(name) for row in head[:1] for name in row.fields or ())
    if garbled or reasons["wrong_encoding"] * 2 > count:
        raise wrong_encoding(file)
    if count and reasons.total() == count:
        _keep_back(tables, kept_back)
        raise DataError(_unreadable(file, head, reasons, tables, config, kept_back))
    return count


def _unreadable(
    file: InputFile,
    head: Sequence[RawRow],
    reasons: Counter[str],
    tables: Tables,
    config: IngestConfig,
    kept_back: Path,
) -> str:
    """What to say of a file in which nothing can be read: where, an example, why, and what to do."""
    example = next(row for row in tables.examples if row["file"] == file.name)
    commonest = ", ".join(f"{reason} {count} ({REASONS[reason]})" for reason, count in reasons.most_common(3))
    said = (
        f"{file.path}: none of its {reasons.total()} rows can be read; reasons: {commonest}.\n"
        f"line {example['line']}: {example['raw'][:EXAMPLE_CHARACTERS]}\n"
    )
    columns = next((row.fields.keys() for row in head if row.fields is not None), None)
    if reasons["unknown_shape"] and columns is not None:
        accepted = [shape for shape in SHAPES if config.format in ("auto", shape.name)]
        said += f"columns found: {', '.join(columns) or '(none)'}; accepted:\n"
        said += "\n".join(f"  {shape.name}: {shape.columns}" for shape in accepted) + "\nrename the columns, or "
    elif reasons["invalid_json"]:
        said += "write one JSON object on each line, or a JSON array; "
    return said + f"convert the file, or leave it out; its rows are in {kept_back}"


def _keep_back(tables: Tables, path: Path) -> None:
    """Leave the first rows of the quarantine for people to look at: the dataset itself is not published."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in tables.examples), encoding="utf-8")


def _ticking(rows: Iterator[RawRow], handle: BinaryIO, advance: Advance) -> Iterator[RawRow]:
    """The rows, moving the bar by the bytes that were read for them."""
    told = 0
    for number, row in enumerate(rows):
        yield row
        if number % ROWS_PER_TICK == 0 and not handle.closed and (reached := handle.tell() // KIB) > told:
            advance(reached - told)
            told = reached


def _check(tables: Tables, rows_read: int, min_kept_ratio: float, kept_back: Path) -> None:
    """Raise DataError when rows are unaccounted for, or too few of them could be read."""
    if tables.counts.total() != rows_read:
        raise DataError(f"ingest read {rows_read} rows but wrote {tables.counts.total()}; please report this")
    readable = rows_read - tables.counts["quarantine"]
    if readable == 0 or readable < min_kept_ratio * rows_read:
        _keep_back(tables, kept_back)
        commonest = ", ".join(f"{reason} {count}" for reason, count in tables.reasons.most_common(5))
        raise DataError(
            f"only {readable} of {rows_read} rows could be read; commonest reasons: {commonest}; "
            f"correct the input, or lower ingest.min_kept_ratio; the rows are in {kept_back}"
        )


def _metrics(tables: Tables, rows_read: int) -> dict[str, float]:
    return {
        "rows_read": rows_read,
        "samples": tables.counts["samples"],
        "preferences": tables.counts["preferences"],
        "repeats": tables.counts["repeats"],
        "quarantined": tables.counts["quarantine"],
        "kept_ratio": tables.counts["samples"] / rows_read,
        **{f"quarantined/{reason}": count for reason, count in sorted(tables.reasons.items())},
    }
