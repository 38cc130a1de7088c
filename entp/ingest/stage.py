"""The ingest stage: files in, canonical samples, repeats and quarantine out."""

from __future__ import annotations

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
from entp.ingest.reasons import RowError
from entp.ingest.sample import source_of, to_sample
from entp.ingest.shapes import SHAPES, Shape, usual_shape
from entp.ingest.tables import Tables
from entp.progress import Advance, progress
from entp.stages import Inputs, identity
from entp.store import Summary

#: Rows at the start of a file that its usual shape is told from.
HEAD_ROWS = 1_000
ROWS_PER_TICK = 500
KIB = 1024


def run(config: Config, inputs: Inputs, output: Path) -> Summary:
    """Read every row of `inputs` (label -> file or folder) into samples, repeats or quarantine.

    Raises UsageError for a missing path or unknown file format, DataError for a file that cannot be read as a whole, or
    when fewer rows than `ingest.min_kept_ratio` could be read.
    """
    files = find_files(inputs)
    with store.publish(output, identity("ingest", config, inputs)) as dataset:
        tables = Tables(dataset)
        rows_read = 0
        with progress("ingest (KiB)", sum(file.path.stat().st_size for file in files) // KIB) as advance:
            for file in files:
                rows_read += _ingest(file, config.ingest, tables, advance)
        tables.finish()
        _check(tables, rows_read, config.ingest.min_kept_ratio)
        return dataset.summarise(_metrics(tables, rows_read))


def _ingest(file: InputFile, config: IngestConfig, tables: Tables, advance: Advance) -> int:
    """Read one file into the tables; returns the number of its rows."""
    reasons: Counter[str] = Counter()
    count = 0
    try:
        with file.path.open("rb") as handle:
            rows = _ticking(read_rows(file, handle), handle, advance)
            head = list(islice(rows, HEAD_ROWS))
            usual = _usual_shape(file, head, config)
            for row in chain(head, rows):
                count += 1
                try:
                    tables.add_sample(to_sample(row, file, usual, config))
                except RowError as bad:
                    reasons[bad.reason] += 1
                    tables.add_quarantined(row, file.name, source_of(row, file, config), bad.reason)
    except (OSError, pa.ArrowException) as error:
        raise DataError(
            f"{file.path}: cannot be read to its end ({error}); is it complete, and what its ending says?"
        ) from error
    if not count:
        raise DataError(f"{file.path}: no rows in it; leave the file out, or fill it")
    if reasons["wrong_encoding"] * 2 > count:
        raise wrong_encoding(file)
    return count


def _usual_shape(file: InputFile, head: Sequence[RawRow], config: IngestConfig) -> Shape | None:
    """The shape of most of the first rows. Raises DataError where there are rows but none fits."""
    columns = [row.fields.keys() for row in head if row.fields is not None]
    usual = usual_shape(columns, config.format)
    if usual is None and columns:
        if has_bad_text("".join(columns[0])):
            raise wrong_encoding(file)
        accepted = [shape for shape in SHAPES if config.format in ("auto", shape.name)]
        raise DataError(
            f"{file.path}: rows of an unknown shape; columns found: {', '.join(columns[0]) or '(none)'}; accepted:\n"
            + "\n".join(f"  {shape.name}: {shape.columns}" for shape in accepted)
            + "\nrename the columns, or convert the file"
        )
    return usual


def _ticking(rows: Iterator[RawRow], handle: BinaryIO, advance: Advance) -> Iterator[RawRow]:
    """The rows, moving the bar by the bytes that were read for them."""
    told = 0
    for number, row in enumerate(rows):
        yield row
        if number % ROWS_PER_TICK == 0 and not handle.closed and (reached := handle.tell() // KIB) > told:
            advance(reached - told)
            told = reached


def _check(tables: Tables, rows_read: int, min_kept_ratio: float) -> None:
    """Raise DataError when rows are unaccounted for, or too few of them could be read."""
    if tables.counts.total() != rows_read:
        raise DataError(f"ingest read {rows_read} rows but wrote {tables.counts.total()}; please report this")
    readable = rows_read - tables.counts["quarantine"]
    if readable == 0 or readable < min_kept_ratio * rows_read:
        commonest = ", ".join(f"{reason} {count}" for reason, count in tables.reasons.most_common(5))
        raise DataError(
            f"only {readable} of {rows_read} rows could be read; commonest reasons: {commonest}; "
            "correct the input, or lower ingest.min_kept_ratio"
        )


def _metrics(tables: Tables, rows_read: int) -> dict[str, float]:
    return {
        "rows_read": rows_read,
        "samples": tables.counts["samples"],
        "repeats": tables.counts["repeats"],
        "quarantined": tables.counts["quarantine"],
        "kept_ratio": tables.counts["samples"] / rows_read,
        **{f"quarantined/{reason}": count for reason, count in sorted(tables.reasons.items())},
    }
