"""Conversations: OpenAI/TRL messages and ShareGPT, as lists of turns or as JSON text of one."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from entp.ingest.reasons import RowError
from entp.ingest.shapes.fields import Fields, Shape, first_present, optional_text, text_of
from entp.ingest.shapes.moss import moss_turns
from entp.records import Message

ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
}


def turns_of(value: Any) -> list[Message]:
    """The turns of a conversation, with our role names. Raises RowError."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise RowError("invalid_json") from error
    if isinstance(value, dict):
        value = moss_turns(value)
    if not isinstance(value, list):
        raise RowError("not_text")
    return [_message(turn) for turn in value]


def _message(turn: Any) -> Message:
    if not isinstance(turn, dict):
        raise RowError("not_text")
    speaker = first_present(turn, ["role", "from"], "unknown_role")
    role = ROLES.get(speaker.lower()) if isinstance(speaker, str) else None
    if role is None:
        raise RowError("unknown_role")
    content = first_present(turn, ["content", "value"], "missing_response" if role == "assistant" else "missing_prompt")
    return Message(role=role, content=_text_of_parts(content) if isinstance(content, list) else text_of(content))


def _text_of_parts(parts: list[Any]) -> str:
    """OpenAI's content parts, where all of them are text."""
    if not all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in parts):
        raise RowError("not_text")
    return "".join(part["text"] for part in parts)


def _conversation(name: str, *columns: str) -> Shape:
    def fits(present: Collection[str]) -> bool:
        return any(column in present for column in columns)

    def messages(fields: Fields) -> list[Message]:
        turns = turns_of(first_present(fields, columns, "missing_prompt"))
        system = optional_text(fields, "system")
        if system.strip() and not any(turn["role"] == "system" for turn in turns):
            return [Message(role="system", content=system), *turns]
        return turns

    described = f"{' or '.join(columns)} (a list of turns, or JSON text of one), and if wanted system"
    return Shape(name, described, fits, messages, frozenset({*columns, "system"}))


MESSAGES = _conversation("messages", "messages", "chat")
SHAREGPT = _conversation("sharegpt", "conversations", "conversation")
