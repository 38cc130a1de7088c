"""CSV and TSV: a header, then rows; quoted cells may hold line breaks."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import TextIO

from entp.errors import DataError
from entp.ingest.files import InputFile
from entp.ingest.readers.row import RawRow, unreadable_row

DELIMITERS = ",;\t|"
#: A quote that never closes swallows at most this much before it is found out (characters, our choice).
LONGEST_CELL = 1 << 20


class Lines:
    """Physical lines that can be given back: an unclosed quote must not cost the rows that it swallowed."""

    def __init__(self, text: TextIO) -> None:
        self.text = text
        self.returned: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        line = self.returned.popleft() if self.returned else self.text.readline()
        if not line:
            raise StopIteration
        self.taken.append(line)
        return line

    def start_row(self) -> None:
        self.taken = []

    def keep_first(self) -> str:
        """Give back every line of the current row but the first, which is returned."""
        first, *others = self.taken
        self.returned.extendleft(reversed(others))
        return first


def read_delimited(file: InputFile, text: TextIO) -> Iterator[RawRow]:
    """The rows under the header. Blank lines are no rows.

    Raises DataError where the header names a column twice or cannot be read.
    """
    csv.field_size_limit(LONGEST_CELL)
    lines = Lines(text)
    header = _header(file, lines)
    if not header:
        return
    reader = csv.reader(lines, delimiter=_delimiter(file, lines.taken[0]), strict=True)
    line = 0
    while True:
        lines.start_row()
        try:
            cells = next(reader, None)
        except csv.Error:
            line += 1
            yield unreadable_row(line, lines.keep_first().rstrip("\r\n"), "invalid_csv")
            continue
        if cells is None:
            return
        if not cells:
            continue
        # Joined files leave a byte order mark at the start of a line.
        cells[0] = cells[0].removeprefix("\ufeff")
        line += 1
        if len(cells) == len(header):
            yield RawRow(line, dict(zip(header, cells, strict=True)))
        else:
            yield unreadable_row(line, "".join(lines.taken).rstrip("\r\n"), "wrong_column_count")


def _header(file: InputFile, lines: Lines) -> list[str]:
    first = next(lines, "")
    try:
        header = next(csv.reader([first], delimiter=_delimiter(file, first), strict=True), [])
    except csv.Error as error:
        raise DataError(
            f"{file.path}: the header cannot be read ({error}); it must be one line of column names"
        ) from error
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise DataError(f"{file.path}: the header names the column {twice[0]!r} twice; rename one of the two")
    return header


def _delimiter(file: InputFile, header: str) -> str:
    """A tab in TSV; in CSV whichever delimiter the header holds most of (a comma where it holds none)."""
    return "\t" if file.container == "tsv" else max(DELIMITERS, key=header.count)
