"""Alpaca: instruction, input, output (Dolly's context and response are read alike; history holds earlier turns)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from entp.ingest.reasons import RowError
from entp.ingest.shapes.fields import Fields, Shape, exchange, first_present, joined, optional_text, text_of
from entp.records import Message


def _fits(columns: Collection[str]) -> bool:
    return "instruction" in columns and ("output" in columns or "response" in columns)


def _messages(fields: Fields) -> list[Message]:
    instruction = text_of(first_present(fields, ["instruction"], "missing_prompt"))
    response = text_of(first_present(fields, ["output", "response"], "missing_response"))
    prompt = instruction
    context = optional_text(fields, "input", "context")
    if context.strip():
        prompt = joined(instruction, context)
    *opening, question, answer = exchange(fields, prompt, response)
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
    columns="instruction, output (or response), and if wanted input (or context), system, history",
    fits=_fits,
    messages=_messages,
    content=frozenset({"instruction", "input", "context", "output", "response", "system", "history"}),
)
