"""What the row formats share: taking text out of fields without losing any, and building a single exchange."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from entp.conversation import Message
from entp.ingest.reasons import RowError

Fields = Mapping[str, Any]

SYSTEM = ("system", "system_prompt", "system_message")
REASONING = ("reasoning_content", "reasoning", "thinking")
#: A leading `<think>` begins within these characters, white space before it included.
THINK_WITHIN = 32


@dataclass(frozen=True)
class Shape:
    """One row format. `fits` looks at the fields that are filled; `content` are those it reads."""

    name: str
    columns: str
    fits: Callable[[Fields], bool]
    messages: Callable[[Fields], list[Message]]
    content: frozenset[str]


def is_filled(value: Any) -> bool:
    """Whether a field holds anything: not null, nor a blank text, nor an empty list or object."""
    if isinstance(value, str):
        return value != "" and not value.isspace()
    return value is not None and value != [] and value != {}


def first_present(fields: Fields, names: Collection[str], reason: str) -> Any:
    """The value of the one of `names` that is filled, else of the first that is not null.

    Raises RowError: `reason` where none is there, "conflicting_fields" where two say different things.
    """
    there = [fields[name] for name in names if fields.get(name) is not None]
    if not there:
        raise RowError(reason)
    if len(there) == 1:
        return there[0]
    filled = [value for value in there if is_filled(value)]
    if any(other != filled[0] for other in filled[1:]):
        raise RowError("conflicting_fields")
    return filled[0] if filled else there[0]


def text_of(value: Any) -> str:
    """The value as text; numbers count as text ("answer": 42). Raises RowError for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RowError("not_text")
    return str(value)


def optional_text(fields: Fields, *names: str) -> str:
    """The text of the one of `names` that is there, or nothing. Raises RowError as `first_present` does."""
    if fields.keys().isdisjoint(names):
        return ""
    there = {name: fields[name] for name in names if fields.get(name) is not None}
    return text_of(first_present(there, names, "")) if there else ""


def joined(*parts: str) -> str:
    """The parts that are not blank, a blank line between them."""
    return "\n\n".join(part for part in parts if part.strip())


def exchange(fields: Fields, prompt: str, response: str) -> list[Message]:
    """One question and its answer, after the row's system text, and with its reasoning, where it has them."""
    system = optional_text(fields, *SYSTEM)
    opening = [Message(role="system", content=system)] if system.strip() else []
    answer = Message(role="assistant", content=response)
    return [*opening, Message(role="user", content=prompt), with_reasoning(answer, optional_text(fields, *REASONING))]


def with_reasoning(answer: Message, reasoning: str) -> Message:
    """The answer with its reasoning: what was stated beside it, or what a leading `<think>` block of it holds.

    Raises RowError where both are there and differ.
    """
    if not reasoning and "<think>" not in answer["content"][:THINK_WITHIN]:
        return answer
    inside, content = _split_thinking(answer["content"])
    stated = reasoning.strip()
    if inside and stated and inside != stated:
        raise RowError("conflicting_fields")
    if not inside and not stated:
        return answer
    return Message(**{**answer, "content": content, "reasoning": stated or inside})


def _split_thinking(text: str) -> tuple[str, str]:
    """What a leading `<think>` block holds, and what follows it."""
    start = text.lstrip()
    if not start.startswith("<think>"):
        return "", text
    inside, closed, after = start.removeprefix("<think>").partition("</think>")
    return (inside.strip(), after.lstrip("\n")) if closed else ("", text)
