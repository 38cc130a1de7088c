"""Small conversations for the tests of the raters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from entp.conversation import Message

JUDGING = Path(__file__).parent.parent.parent / "examples" / "judging"


def conversation(prompt: str, response: str) -> list[Message]:
    return [Message(role="user", content=prompt), Message(role="assistant", content=response)]


def pairs(kind: str | None = None) -> list[dict[str, Any]]:
    """Good and bad answers of equal length: kinds wrong, off_topic, truncated, garbled, copied."""
    return [row for row in _rows("pairs.jsonl") if kind in (None, row["kind"])]


def hostile(family: str | None = None) -> list[dict[str, Any]]:
    """Samples without and with an attack on their rater."""
    return [row for row in _rows("hostile.jsonl") if family in (None, row["family"])]


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (JUDGING / name).read_text(encoding="utf-8").splitlines()]
