"""What the row formats share: taking text out of fields, and building a single exchange."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from entp.ingest.reasons import RowError
from entp.records import Message

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Shape:
    """One row format: `fits` looks at column names only; `content` columns are text of the sample, all others meta."""

    name: str
    columns: str
    fits: Callable[[Collection[str]], bool]
    messages: Callable[[Fields], list[Message]]
    content: frozenset[str]


def first_present(fields: Fields, names: Collection[str], reason: str) -> Any:
    """The value of the first of `names` that is there and not null. Raises RowError(reason) where none is."""
    for name in names:
        if fields.get(name) is not None:
            return fields[name]
    raise RowError(reason)


def text_of(value: Any) -> str:
    """The value as text; numbers count as text ("answer": 42). Raises RowError for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RowError("not_text")
    return str(value)


def optional_text(fields: Fields, *names: str) -> str:
    """The text of the first of `names` that is there, or nothing."""
    return next((text_of(fields[name]) for name in names if fields.get(name) is not None), "")


def joined(*parts: str) -> str:
    """The parts that are not blank, a blank line between them."""
    return "\n\n".join(part for part in parts if part.strip())


def exchange(fields: Fields, prompt: str, response: str) -> list[Message]:
    """One question and its answer, after the row's `system` text where it has one."""
    system = optional_text(fields, "system")
    opening = [Message(role="system", content=system)] if system.strip() else []
    return [*opening, Message(role="user", content=prompt), Message(role="assistant", content=response)]
