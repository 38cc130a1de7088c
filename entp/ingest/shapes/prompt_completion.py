"""Prompt and completion, each a text or (as TRL has it) a list of messages."""

from __future__ import annotations

from collections.abc import Collection

from entp.ingest.shapes.conversation import turns_of
from entp.ingest.shapes.fields import Fields, Shape, exchange, first_present, text_of
from entp.records import Message


def _fits(columns: Collection[str]) -> bool:
    return "prompt" in columns and ("completion" in columns or "response" in columns)


def _messages(fields: Fields) -> list[Message]:
    prompt = first_present(fields, ["prompt"], "missing_prompt")
    completion = first_present(fields, ["completion", "response"], "missing_response")
    if isinstance(prompt, list) and isinstance(completion, list):
        return turns_of([*prompt, *completion])
    return exchange(fields, text_of(prompt), text_of(completion))


PROMPT_COMPLETION = Shape(
    name="prompt_completion",
    columns="prompt, completion (or response), and if wanted system",
    fits=_fits,
    messages=_messages,
    content=frozenset({"prompt", "completion", "response", "system"}),
)
