"""One turn of a conversation, in the words of OpenAI, Hugging Face, ShareGPT and those who mix them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from entp.conversation import Message
from entp.ingest.reasons import RowError
from entp.ingest.shapes.fields import REASONING, first_present, is_filled, text_of, with_reasoning
from entp.ingest.shapes.tools import calls_of

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
    "function_call": "assistant",
    "tool_call": "assistant",
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
    "ipython": "tool",
    "tool_response": "tool",
    "function_response": "tool",
}
#: Speakers whose whole turn is a call of tools (LLaMA-Factory's ShareGPT).
CALLERS = ("function_call", "tool_call")
SPEAKER, CONTENT = ("role", "from"), ("content", "value")
#: Whether an answer is learnt from: OpenAI's `weight` (0 or 1), axolotl's `train`, `loss`, and our own tables' `learn`.
LEARNT = ("weight", "train", "loss", "learn")
CALLS = ("tool_calls", "function_call")
NAMES = ("tool_call_id", "name")
#: What a turn may hold that cannot be read as text.
MEDIA = ("image", "images", "image_url", "video", "videos", "audio", "audios", "input_audio", "file")
KNOWN = frozenset({*SPEAKER, *CONTENT, *REASONING, *LEARNT, *CALLS, *NAMES, *MEDIA})


def message_of(turn: Any) -> Message:
    """The turn with our role and field names. Raises RowError."""
    if not isinstance(turn, Mapping):
        raise RowError("not_text")
    speaker = first_present(turn, SPEAKER, "unknown_role")
    role = ROLES.get(speaker.lower()) if isinstance(speaker, str) else None
    if role is None:
        raise RowError("unknown_role")
    if any(is_filled(turn.get(name)) for name in MEDIA):
        raise RowError("needs_media")
    if role == "assistant":
        return _answer(turn, speaker.lower() in CALLERS)
    if is_filled(turn.get("tool_calls")) or any(is_filled(turn.get(name)) for name in REASONING):
        raise RowError("wrong_role_order")
    content = first_present(turn, CONTENT, "missing_prompt")
    if role == "tool" and isinstance(content, Mapping):
        content = json.dumps(content, ensure_ascii=False)
    return _named(Message(role=role, content=_content_of(content)[0]), turn)


def unknown_fields(turns: Any) -> dict[str, dict[str, Any]]:
    """What turns hold that this module does not know, by the turn's place."""
    if not isinstance(turns, list):
        return {}
    return {
        str(place): found
        for place, turn in enumerate(turns)
        if isinstance(turn, Mapping)
        and (found := {name: value for name, value in turn.items() if name not in KNOWN and is_filled(value)})
    }


def _answer(turn: Mapping[str, Any], is_call: bool) -> Message:
    calls: str | None
    present = {name: turn[name] for name in CALLS if is_filled(turn.get(name))}
    stated = first_present(turn, REASONING, "") if any(is_filled(turn.get(name)) for name in REASONING) else ""
    if is_call:
        calls, content, thought = calls_of(first_present(turn, CONTENT, "missing_response")), "", ""
    else:
        calls = calls_of(next(iter(present.values()))) if present else None
        may_lack = bool(calls or stated) and all(turn.get(name) is None for name in CONTENT)
        content, thought = ("", "") if may_lack else _content_of(first_present(turn, CONTENT, "missing_response"))
    answer = with_reasoning(Message(role="assistant", content=content), text_of(stated) or thought)
    if calls:
        answer["tool_calls"] = calls
    if not _is_learnt(turn):
        answer["learn"] = False
    return _named(answer, turn)


def _is_learnt(turn: Mapping[str, Any]) -> bool:
    """Whether the turn is learnt from. Raises RowError for a weight that is neither 0 nor 1, or two that differ."""
    stated = {turn[name] for name in LEARNT if isinstance(turn.get(name), bool | int | float)}
    if not stated <= {0, 1}:
        raise RowError("fractional_weight")
    if len(stated) > 1:
        raise RowError("conflicting_fields")
    return stated != {0}


def _named(message: Message, turn: Mapping[str, Any]) -> Message:
    for name in NAMES:
        if is_filled(turn.get(name)):
            message[name] = text_of(turn[name])  # type: ignore[literal-required]
    return message


def _content_of(content: Any) -> tuple[str, str]:
    """The text of a turn, its parts joined by line breaks, and the reasoning among the parts."""
    if not isinstance(content, list | Mapping):
        return text_of(content), ""
    parts = [_part(part) for part in (content if isinstance(content, list) else [content])]
    texts, thoughts = ([text for kind, text in parts if kind == wanted] for wanted in ("text", "thinking"))
    return "\n".join(texts), "\n".join(thoughts)


def _part(part: Any) -> tuple[str, str]:
    """The kind ("text" or "thinking") of a content part, and its text."""
    if isinstance(part, str):
        return "text", part
    if not isinstance(part, Mapping):
        raise RowError("not_text")
    kind = str(part.get("type") or "text")
    if any(is_filled(part.get(name)) for name in MEDIA) or kind.removeprefix("input_") in MEDIA:
        raise RowError("needs_media")
    for field, name in (("thinking", "thinking"), ("reasoning", "thinking"), ("text", "text")):
        if isinstance(part.get(field), str):
            return name if kind not in ("thinking", "reasoning") else "thinking", part[field]
    raise RowError("not_text")
