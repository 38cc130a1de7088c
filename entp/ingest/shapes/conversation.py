"""Conversations: OpenAI/TRL messages and ShareGPT, as lists of turns, JSON text of one, or a labelled transcript."""

from __future__ import annotations

import json
from typing import Any

from entp.conversation import Message
from entp.ingest.reasons import RowError
from entp.ingest.shapes.fields import (
    REASONING,
    SYSTEM,
    Fields,
    Shape,
    first_present,
    is_filled,
    joined,
    optional_text,
    with_reasoning,
)
from entp.ingest.shapes.moss import moss_turns
from entp.ingest.shapes.transcript import is_transcript, transcript_turns
from entp.ingest.shapes.turns import message_of


def turns_of(value: Any) -> list[Message]:
    """The turns of a conversation, with our role names. Raises RowError."""
    return [message_of(turn) for turn in raw_turns(value)]


def raw_turns(value: Any) -> list[Any]:
    """The turns as the row has them. Raises RowError where this is no list of turns, nor text of one."""
    if isinstance(value, str):
        if is_transcript(value):
            return transcript_turns(value)
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise RowError("invalid_json") from error
    if isinstance(value, dict):
        value = [value] if "role" in value or "from" in value else moss_turns(value)
    if not isinstance(value, list):
        raise RowError("not_text")
    return value


def is_conversation(value: Any) -> bool:
    """Whether a field may hold a conversation; a name or a number in a column called `chat` is none."""
    if isinstance(value, str):
        return value.lstrip()[:1] in ("[", "{") or is_transcript(value)
    return isinstance(value, list | dict)


def _conversation(name: str, *columns: str) -> Shape:
    def fits(fields: Fields) -> bool:
        if fields.keys().isdisjoint(columns):
            return False
        return any(is_conversation(fields.get(column)) for column in columns)

    def messages(fields: Fields) -> list[Message]:
        filled = {column: fields[column] for column in columns if is_conversation(fields.get(column))}
        turns = turns_of(first_present(filled or fields, columns, "missing_prompt"))
        return _with_reasoning(fields, _with_system(optional_text(fields, *SYSTEM), turns))

    described = f"{' or '.join(columns)} (a list of turns, or text of one), and if wanted system, tools"
    return Shape(name, described, fits, messages, frozenset({*columns, *SYSTEM, *REASONING}))


def _with_system(system: str, turns: list[Message]) -> list[Message]:
    """The row's own system text comes first; a system turn that says the same is not said twice."""
    system = system.removeprefix("SYSTEM:").lstrip() if system.startswith("SYSTEM:") else system
    if not system.strip():
        return turns
    if turns and turns[0]["role"] == "system":
        own = turns[0]["content"]
        both = own if system.strip() in own else joined(system, own)
        return [Message(role="system", content=both), *turns[1:]]
    return [Message(role="system", content=system), *turns]


def _with_reasoning(fields: Fields, turns: list[Message]) -> list[Message]:
    """Reasoning beside the turns is that of the last one."""
    if not any(is_filled(fields.get(name)) for name in REASONING) or not turns or turns[-1]["role"] != "assistant":
        return turns
    stated = optional_text(fields, *REASONING)
    last = turns[-1]
    if last.get("reasoning") not in (None, stated.strip()):
        raise RowError("conflicting_fields")
    return [*turns[:-1], with_reasoning(last, stated)]


MESSAGES = _conversation("messages", "messages", "chat")
SHAREGPT = _conversation("sharegpt", "conversations", "conversation")
