"""What every reader yields."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from entp.ingest.encoding import has_bad_text

#: A longer row is no sample; reading on would only fill the memory (characters, our choice).
LONGEST_ROW = 1 << 24


class RawRow(NamedTuple):
    """One row as read: its `fields`, or the `problem` (a quarantine reason) that kept it from being read.

    `line` is its 1-based position: the line of a JSONL file (blank lines count), the element of a JSON array, the row
    under a CSV header, the row of a Parquet file. `raw` is its text where there are no fields.
    """

    line: int
    fields: dict[str, Any] | None
    problem: str = ""
    raw: str = ""


def parsed_row(line: int, value: Any, raw: str) -> RawRow:
    """The row for a parsed JSON value."""
    if isinstance(value, dict):
        return RawRow(line, value)
    return RawRow(line, None, "not_an_object", raw)


def parse_row(line: int, raw: str) -> RawRow:
    """The row for the text of one JSON value."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return unreadable_row(line, raw, "invalid_json")
    return parsed_row(line, value, raw)


def unreadable_row(line: int, raw: str, problem: str) -> RawRow:
    """A row that could not be parsed; bytes that are no text are named as the cause where there are any."""
    return RawRow(line, None, "wrong_encoding" if has_bad_text(raw) else problem, raw)
