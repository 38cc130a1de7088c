"""Preference rows: which of two answers is better, or that one is bad. None of their answers is a training answer."""

from __future__ import annotations

from typing import Any, NamedTuple

from entp.conversation import Message
from entp.ingest.reasons import RowError
from entp.ingest.shapes import Shape
from entp.ingest.shapes.conversation import is_conversation, turns_of
from entp.ingest.shapes.fields import SYSTEM, Fields, is_filled, joined, optional_text, text_of
from entp.ingest.shapes.transcript import is_transcript

SIDES = ("chosen", "rejected")
QUESTIONS = ("instruction", "question")
CONTEXTS = ("input", "context")
CONVERSATIONS = ("messages", "conversations", "conversation", "chat")
ANSWERS = ("output", "response", "completion", "answer")
#: What this module reads.
CONTENT = frozenset({*SIDES, "prompt", *QUESTIONS, *CONTEXTS, *CONVERSATIONS, *ANSWERS, *SYSTEM})


class Preference(NamedTuple):
    """What was said, and the turns that answer it well and badly; one of the two may not be there."""

    prompt: list[Message]
    chosen: list[Message] | None
    rejected: list[Message] | None


def is_preference(fields: Fields) -> bool:
    """Whether the row names an answer as the better or the worse one, or says of its only one that it is bad."""
    if fields.get("label") is False:
        return True
    return not fields.keys().isdisjoint(SIDES) and any(_is_side(fields.get(name)) for name in SIDES)


def preference_of(fields: Fields, shape: Shape | None) -> Preference:
    """The preference of a row; `shape` reads rows that only say that their answer is bad. Raises RowError."""
    sides = {name: _turns(fields[name]) for name in SIDES if _is_side(fields.get(name))}
    if not sides:
        if shape is None:
            raise RowError("unknown_shape")
        *prompt, bad = shape.messages(fields)
        return _checked(Preference(prompt, None, [bad]))
    if any(turns[0]["role"] != "assistant" for turns in sides.values()):
        return _checked(_split(fields, sides))
    if "chosen" not in sides and (answer := optional_text(fields, *ANSWERS)).strip():
        sides["chosen"] = [Message(role="assistant", content=answer)]
    return _checked(Preference(_prompt(fields), sides.get("chosen"), sides.get("rejected")))


def _is_side(value: Any) -> bool:
    return isinstance(value, str | list | dict) and is_filled(value)


def _turns(value: Any, role: str = "assistant") -> list[Message]:
    if isinstance(value, str) and not is_transcript(value):
        return [Message(role=role, content=value)]
    turns = turns_of(value)
    if not turns:
        raise RowError("unreadable_preference")
    return turns


def _split(fields: Fields, sides: dict[str, list[Message]]) -> Preference:
    """Two whole conversations: what they begin with in common is the prompt."""
    conversations = list(sides.values())
    shortest = min(map(len, conversations)) - 1
    common = next(
        (place for place in range(shortest) if any(turns[place] != conversations[0][place] for turns in conversations)),
        shortest,
    )
    prompt = conversations[0][:common]
    asked = fields.get("prompt")
    if isinstance(asked, str) and asked.strip() and not any(asked.strip() in turn["content"] for turn in prompt):
        raise RowError("unread_fields")
    rest = {name: turns[common:] for name, turns in sides.items()}
    return Preference(_with_system(fields, prompt), rest.get("chosen"), rest.get("rejected"))


def _prompt(fields: Fields) -> list[Message]:
    """What the answers are to: the prompt, else a conversation without its last answer, else a question."""
    if is_filled(fields.get("prompt")):
        return _with_system(fields, _turns(fields["prompt"], role="user"))
    for name in CONVERSATIONS:
        if is_conversation(fields.get(name)):
            turns = turns_of(fields[name])
            return _with_system(fields, turns[:-1] if turns[-1]["role"] == "assistant" else turns)
    question = joined(text_of(optional_text(fields, *QUESTIONS)), optional_text(fields, *CONTEXTS))
    return _with_system(fields, [Message(role="user", content=question)])


def _with_system(fields: Fields, prompt: list[Message]) -> list[Message]:
    system = optional_text(fields, *SYSTEM)
    if not system.strip() or (prompt and prompt[0]["role"] == "system"):
        return prompt
    return [Message(role="system", content=system), *prompt]


def _checked(found: Preference) -> Preference:
    answers = [turns for turns in (found.chosen, found.rejected) if turns is not None]
    spoken = [turn for turn in found.prompt if turn["role"] == "user" and turn["content"].strip()]
    if not spoken or found.prompt[-1]["role"] == "assistant":
        raise RowError("missing_prompt")
    if any(not turns or turns[0]["role"] != "assistant" for turns in answers):
        raise RowError("unreadable_preference")
    if found.chosen == found.rejected:
        raise RowError("unreadable_preference")
    return found
