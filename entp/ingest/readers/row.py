"""What every reader yields."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from entp.ingest.encoding import has_bad_text

#: A longer row is no sample; reading on would only fill the memory (characters, our choice).
LONGEST_ROW = 1 << 24
#: What may lie around a row: white space, and the byte order marks that joining files leaves in the middle.
BETWEEN = " \t\r\n\ufeff"


class RawRow(NamedTuple):
    """One row as read: its `fields`, or the `problem` (a quarantine reason) that kept it from being read.

    `line` is its 1-based position: the line of a JSONL file (blank lines count), the element of a JSON array, the row
    under a CSV header, the row of a Parquet file. `raw` is its text where there are no fields.
    """

    line: int
    fields: dict[str, Any] | None
    problem: str = ""
    raw: str = ""


class RepeatedKey(dict[str, Any]):
    """An object that names a key twice; Python's parser keeps the last value only."""


class _Objects:
    """Makes the objects of parsed JSON, and remembers whether any names a key twice."""

    def __init__(self) -> None:
        self.repeated = False

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        self.repeated = True
        return RepeatedKey(found)


_objects = _Objects()
_decoder = json.JSONDecoder(object_pairs_hook=_objects)


def decode_value(text: str, position: int = 0) -> tuple[Any, int, bool]:
    """The JSON value at a position of a text, where it ends, and whether an object in it has a key twice.

    Raises ValueError or RecursionError as json does.
    """
    _objects.repeated = False
    value, end = _decoder.raw_decode(text, position)
    return value, end, _objects.repeated


def parsed_row(line: int, value: Any, raw: str, suspect: bool = False) -> RawRow:
    """The row for a parsed JSON value; `suspect` says that a key may come twice in it."""
    if suspect and _repeats_key(value):
        return RawRow(line, None, "repeated_key", raw)
    if isinstance(value, dict):
        return RawRow(line, value)
    return RawRow(line, None, "not_an_object", raw)


def parse_row(line: int, raw: str) -> RawRow:
    """The row for the text of one JSON value."""
    text = raw.strip(BETWEEN)
    try:
        value, end, repeated = decode_value(text)
        if end != len(text):
            raise ValueError("more than one value")
    except (ValueError, RecursionError):
        return unreadable_row(line, raw, "invalid_json")
    return parsed_row(line, value, raw, repeated)


def unreadable_row(line: int, raw: str, problem: str) -> RawRow:
    """A row that could not be parsed; bytes that are no text are named as the cause where there are any."""
    return RawRow(line, None, "wrong_encoding" if has_bad_text(raw) else problem, raw)


def _repeats_key(value: Any) -> bool:
    if isinstance(value, dict):
        return isinstance(value, RepeatedKey) or any(map(_repeats_key, value.values()))
    return isinstance(value, list) and any(map(_repeats_key, value))


def without_nulls(value: Any) -> Any:
    """A nested Arrow value without the nulls in its objects: there, every object has the fields of all."""
    if isinstance(value, dict):
        return {name: without_nulls(part) for name, part in value.items() if part is not None}
    return [without_nulls(part) for part in value] if isinstance(value, list) else value
