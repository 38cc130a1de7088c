"""Question and answer. A rationale goes before the answer, so that the answer follows from it (our choice)."""

from __future__ import annotations

from collections.abc import Collection

from entp.ingest.shapes.fields import Fields, Shape, exchange, first_present, joined, optional_text, text_of
from entp.records import Message


def _fits(columns: Collection[str]) -> bool:
    return "question" in columns and "answer" in columns


def _messages(fields: Fields) -> list[Message]:
    question = text_of(first_present(fields, ["question"], "missing_prompt"))
    answer = text_of(first_present(fields, ["answer"], "missing_response"))
    context, rationale = optional_text(fields, "context"), optional_text(fields, "rationale")
    if context.strip():
        question = joined(question, context)
    if rationale.strip():
        answer = joined(rationale, answer)
    return exchange(fields, question, answer)


QUESTION_ANSWER = Shape(
    name="question_answer",
    columns="question, answer, and if wanted context, rationale, system",
    fits=_fits,
    messages=_messages,
    content=frozenset({"question", "answer", "context", "rationale", "system"}),
)
