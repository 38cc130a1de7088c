"""Question and answer. A rationale goes before the answer, so that the answer follows from it (our choice)."""

from __future__ import annotations

from entp.conversation import Message
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

ANSWER = ("answer", "answerKey")


def _fits(fields: Fields) -> bool:
    return "question" in fields and not fields.keys().isdisjoint(ANSWER)


def _messages(fields: Fields) -> list[Message]:
    options = options_of(fields)
    question = text_of(first_present(fields, ["question"], "missing_prompt"))
    answer = chosen_text(first_present(fields, ANSWER, "missing_response"), options)
    context, rationale = optional_text(fields, "context"), optional_text(fields, "rationale")
    if context.strip():
        question = joined(question, context)
    if rationale.strip():
        answer = joined(rationale, answer)
    return exchange(fields, with_options(question, options), answer)


QUESTION_ANSWER = Shape(
    name="question_answer",
    columns="question, answer (or answerKey), and if wanted context, rationale, system, choices, reasoning",
    fits=_fits,
    messages=_messages,
    content=frozenset({"question", *ANSWER, "context", "rationale", *SYSTEM, *REASONING, *OPTIONS}),
)
