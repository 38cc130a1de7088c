"""Parquet, one record batch at a time."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from entp.ingest.encoding import open_bytes
from entp.ingest.files import InputFile
from entp.ingest.readers.row import RawRow, without_nulls

BATCH_ROWS = 2048


def read_parquet(file: InputFile, handle: BinaryIO) -> Iterator[RawRow]:
    """The rows of a Parquet file."""
    with tempfile.TemporaryFile() as unpacked:
        source = handle
        if file.compression:
            # Parquet is read from its end, which a compressed stream cannot seek to.
            shutil.copyfileobj(open_bytes(file, handle), unpacked)
            source = cast(BinaryIO, unpacked)
        line = 1
        for batch in pq.ParquetFile(source).iter_batches(BATCH_ROWS):
            yield from _rows(batch, line)
            line += batch.num_rows


def _rows(batch: pa.RecordBatch, first: int) -> Iterator[RawRow]:
    try:
        rows = batch.to_pylist()
    except UnicodeDecodeError:
        yield from _rows_one_by_one(batch, first)
        return
    nested = [field.name for field in batch.schema if pa.types.is_nested(field.type)]
    for line, fields in enumerate(rows, start=first):
        fields.update((name, without_nulls(fields[name])) for name in nested)
        yield RawRow(line, fields)


def _rows_one_by_one(batch: pa.RecordBatch, first: int) -> Iterator[RawRow]:
    """A string column may hold bytes that are not UTF-8; only the rows that do are lost."""
    for offset in range(batch.num_rows):
        try:
            yield RawRow(first + offset, batch.slice(offset, 1).to_pylist()[0])
        except UnicodeDecodeError as error:
            yield RawRow(first + offset, None, "wrong_encoding", error.object.decode("utf-8", "backslashreplace"))
