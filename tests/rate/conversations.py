"""Small conversations for the tests of the raters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from entp.records import Message

PAIRS = Path(__file__).with_name("pairs.jsonl")


def conversation(prompt: str, response: str) -> list[Message]:
    return [Message(role="user", content=prompt), Message(role="assistant", content=response)]


def pairs(kind: str | None = None) -> list[dict[str, Any]]:
    """Good and bad answers of equal length: kinds wrong, off_topic, garbled, truncated, copied."""
    rows = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if kind in (None, row["kind"])]
