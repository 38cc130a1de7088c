"""Readers: a file becomes a stream of rows. One module per container."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import BinaryIO

from entp.ingest.encoding import open_text, read_head
from entp.ingest.files import InputFile
from entp.ingest.readers.columnar import read_arrow, read_parquet
from entp.ingest.readers.delimited import read_delimited
from entp.ingest.readers.json_document import read_json_elements, read_json_object
from entp.ingest.readers.json_lines import read_json_lines
from entp.ingest.readers.row import RawRow, decode_value

__all__ = ["RawRow", "read_rows"]

HEAD = 1 << 16


def read_rows(file: InputFile, handle: BinaryIO) -> Iterator[RawRow]:
    """The rows of `file`, opened as `handle`; rows that cannot be read are among them, each with its problem.

    Raises DataError where the file as a whole cannot be read.
    """
    rows = _read(file, handle)
    return rows if not file.partition else map(partial(_with_columns, file.partition), rows)


def _read(file: InputFile, handle: BinaryIO) -> Iterator[RawRow]:
    if file.container == "parquet":
        return read_parquet(file, handle)
    if file.container == "arrow":
        return read_arrow(file, handle)
    if file.container in ("csv", "tsv"):
        return read_delimited(file, open_text(file, handle, newline=""))
    return _read_json(file, handle)


def _with_columns(columns: Mapping[str, str], row: RawRow) -> RawRow:
    return row if row.fields is None else row._replace(fields={**columns, **row.fields})


def _read_json(file: InputFile, handle: BinaryIO) -> Iterator[RawRow]:
    """JSON Lines and JSON documents often carry each other's ending, so the content decides."""
    head = read_head(file, HEAD).decode("utf-8-sig", "replace").lstrip()
    text = open_text(file, handle)
    if head.startswith("[") or (file.container == "jsonl" and _is_spread(head)):
        return read_json_elements(text)
    if file.container == "jsonl" or _starts_as_lines(head):
        return read_json_lines(text)
    return read_json_object(text.read())


def _is_spread(head: str) -> bool:
    """Whether the first object goes over several lines, as pretty printers write it."""
    first = head.partition("\n")[0].strip()
    if not first.startswith("{") or first.endswith("}"):
        return False
    try:
        _, end, _ = decode_value(head)
    except (ValueError, RecursionError):
        return first == "{"
    return "\n" in head[:end]


def _starts_as_lines(head: str) -> bool:
    """Whether the first line is a whole object and more follows."""
    first, _, rest = head.partition("\n")
    try:
        return isinstance(json.loads(first), dict) and bool(rest.strip())
    except (ValueError, RecursionError):
        return False
