"""JSON documents: an array of rows, streamed element by element, or an object that holds rows.

A broken element of an array costs only itself: the reader goes on at the next element that can be parsed and shares a
field with the rows before.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

from entp.ingest.readers.row import LONGEST_ROW, RawRow, decode_value, parsed_row, unreadable_row
from entp.ingest.shapes import shape_of

CHUNK = 1 << 18
RESYNC_SPAN = 1 << 20
BETWEEN_ELEMENTS = re.compile(r"[\s,\[\]\ufeff]*")
NEXT_OBJECT = re.compile(r"[,\n]\s*(?=\{)")
#: A parse error this near the end of what has been read may only mean that the element goes on (longest escape: 6).
CUT_MARGIN = 16


class Window:
    """The part of a text that has been read and not yet consumed: `text` from `position` on."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.text = ""
        self.position = 0
        self.ended = False

    def grow(self) -> None:
        """Read on: at least a chunk, and as much again as is there (so that long elements cost linear time)."""
        rest = self.text[self.position :]
        chunk = self.stream.read(max(CHUNK, len(rest)))
        self.text, self.position, self.ended = rest + chunk, 0, not chunk

    def at_element(self) -> bool:
        """Move over separators to the next element; false at the end of the text."""
        while True:
            self.position = BETWEEN_ELEMENTS.match(self.text, self.position).end()  # type: ignore[union-attr]
            if self.position < len(self.text) or self.ended:
                return self.position < len(self.text)
            self.grow()


def read_json_elements(stream: TextIO) -> Iterator[RawRow]:
    """The rows of an array (or of objects one after the other), in flat memory."""
    window = Window(stream)
    fields: set[str] = set()
    line = 0
    while window.at_element():
        line += 1
        found = _element(window)
        if found is None:
            end = _next_readable(window, fields)
            yield unreadable_row(line, window.text[window.position : end].rstrip(", \r\n"), "invalid_json")
        else:
            value, end, repeated = found
            if isinstance(value, dict):
                fields = set(value)
            yield parsed_row(line, value, window.text[window.position : end], repeated)
        window.position = end


def read_json_object(text: str) -> Iterator[RawRow]:
    """The rows of one object: its lists of objects, or its values if all are objects, or itself as a single row."""
    try:
        document, end, repeated = decode_value(text.strip())
        if end != len(text.strip()):
            raise ValueError("more than one document")
    except (ValueError, RecursionError):
        yield from read_json_elements(io.StringIO(text))
        return
    if not isinstance(document, dict) or shape_of(document) is not None:
        yield parsed_row(1, document, text, repeated)
        return
    lists = [value for value in document.values() if _holds_objects(value)]
    if lists:
        rows: list[Any] = [row for rows in lists for row in rows]
    elif document and all(isinstance(value, dict) for value in document.values()):
        rows = [{"key": key, **value} for key, value in document.items()]
    else:
        rows = [document]
    for line, row in enumerate(rows, start=1):
        yield parsed_row(line, row, json.dumps(row, ensure_ascii=False), repeated)


def _element(window: Window) -> tuple[Any, int, bool] | None:
    """`decode_value` at the window's position; None where it is broken."""
    while True:
        try:
            return decode_value(window.text, window.position)
        except RecursionError:
            return None
        except ValueError as error:
            if not _may_go_on(error, window):
                return None
        window.grow()


def _may_go_on(error: ValueError, window: Window) -> bool:
    if window.ended or len(window.text) - window.position >= LONGEST_ROW or not isinstance(error, json.JSONDecodeError):
        return False
    return error.msg.startswith("Unterminated string") or error.pos >= len(window.text) - CUT_MARGIN


def _next_readable(window: Window, fields: set[str]) -> int:
    """Where the next element that can be parsed starts; the end of the window where there is none in reach.

    An object inside the broken element (a turn of a conversation) is told apart by its fields.
    """
    while not window.ended and len(window.text) - window.position < RESYNC_SPAN:
        window.grow()
    for match in NEXT_OBJECT.finditer(window.text, window.position + 1):
        try:
            value = decode_value(window.text, match.end())[0]
        except (ValueError, RecursionError):
            continue
        if not fields or fields & set(value):
            return match.end()
    return len(window.text)


def _holds_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)
