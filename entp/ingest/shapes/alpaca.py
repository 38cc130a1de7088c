"""Alpaca: instruction, input, output (Dolly's context and response are read alike; history holds earlier turns)."""

from __future__ import annotations

from typing import Any

from entp.conversation import Message
from entp.ingest.reasons import RowError
from entp.ingest.shapes.choices import OPTIONS, chosen_text, options_of, with_options
from entp.ingest.shapes.fields import (
    REASONING,
    SYSTEM,
    Fields,
    Shape,
    exchange,
    first_present,
    joined,
    optional_text,
    text_of,
)

RESPONSE = ("output", "response")


def _fits(fields: Fields) -> bool:
    return "instruction" in fields and not fields.keys().isdisjoint(RESPONSE)


def _messages(fields: Fields) -> list[Message]:
    options = options_of(fields)
    instruction = text_of(first_present(fields, ["instruction"], "missing_prompt"))
    response = chosen_text(first_present(fields, RESPONSE, "missing_response"), options)
    prompt = instruction
    context = optional_text(fields, "input", "context")
    if context.strip():
        prompt = joined(instruction, context)
    *opening, question, answer = exchange(fields, with_options(prompt, options), response)
    return [*opening, *_earlier(fields.get("history")), question, answer]


def _earlier(history: Any) -> list[Message]:
    """The turns of a `history` column, a list of [question, answer]."""
    if not history:
        return []
    if not isinstance(history, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in history):
        raise RowError("not_text")
    return [
        Message(role=role, content=text_of(text))
        for pair in history
        for role, text in zip(("user", "assistant"), pair, strict=True)
    ]


ALPACA = Shape(
    name="alpaca",
    columns="instruction, output (or response), and if wanted input (or context), system, history, choices, reasoning",
    fits=_fits,
    messages=_messages,
    content=frozenset({"instruction", "input", "context", *RESPONSE, "history", *SYSTEM, *REASONING, *OPTIONS}),
)
