"""Parquet and Arrow files, one record batch at a time."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from entp.ingest.encoding import open_bytes
from entp.ingest.files import InputFile
from entp.ingest.readers.row import RawRow, without_nulls

BATCH_ROWS = 2048
#: What an Arrow file begins with; a stream, as `save_to_disk` writes it, has no such mark.
ARROW_FILE = b"ARROW1"


def read_parquet(file: InputFile, handle: BinaryIO) -> Iterator[RawRow]:
    """The rows of a Parquet file."""
    with _seekable(file, handle) as source:
        yield from _numbered(pq.ParquetFile(source).iter_batches(BATCH_ROWS))


def read_arrow(file: InputFile, handle: BinaryIO) -> Iterator[RawRow]:
    """The rows of an Arrow (or Feather) file, or of an Arrow stream."""
    with _seekable(file, handle) as source:
        is_file = source.read(len(ARROW_FILE)) == ARROW_FILE
        source.seek(0)
        yield from _numbered(_batches_of_file(source) if is_file else pa.ipc.open_stream(source))


def _batches_of_file(source: BinaryIO) -> Iterator[pa.RecordBatch]:
    reader = pa.ipc.open_file(source)
    return (reader.get_batch(number) for number in range(reader.num_record_batches))


@contextmanager
def _seekable(file: InputFile, handle: BinaryIO) -> Iterator[BinaryIO]:
    """The file's bytes; these formats are read from the end, which a compressed stream cannot seek to."""
    if not file.compression:
        yield handle
        return
    with tempfile.TemporaryFile() as unpacked:
        shutil.copyfileobj(open_bytes(file, handle), unpacked)
        unpacked.seek(0)
        yield cast(BinaryIO, unpacked)


def _numbered(batches: Iterable[pa.RecordBatch]) -> Iterator[RawRow]:
    line = 1
    for whole in batches:
        for start in range(0, whole.num_rows, BATCH_ROWS):
            batch = whole.slice(start, BATCH_ROWS)
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
