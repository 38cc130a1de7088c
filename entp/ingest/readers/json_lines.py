"""JSON Lines: one object on each line."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TextIO

from entp.ingest.readers.row import BETWEEN, LONGEST_ROW, RawRow, parse_row


def read_json_lines(text: TextIO) -> Iterator[RawRow]:
    """The rows of a JSON Lines text. Blank lines are no rows."""
    for number in itertools.count(1):
        line = text.readline(LONGEST_ROW)
        if not line:
            return
        if len(line) == LONGEST_ROW and not line.endswith("\n"):
            _skip_line(text)
            yield RawRow(number, None, "too_long", line)
        elif line.strip(BETWEEN):
            yield parse_row(number, line.rstrip("\r\n"))


def _skip_line(text: TextIO) -> None:
    rest = text.readline(LONGEST_ROW)
    while rest and not rest.endswith("\n"):
        rest = text.readline(LONGEST_ROW)
