"""Prompt and completion, each a text or (as TRL has it) a list of messages."""

from __future__ import annotations

from entp.conversation import Message
from entp.ingest.shapes.choices import OPTIONS, chosen_text, options_of, with_options
from entp.ingest.shapes.conversation import turns_of
from entp.ingest.shapes.fields import REASONING, SYSTEM, Fields, Shape, exchange, first_present, text_of

RESPONSE = ("completion", "response")


def _fits(fields: Fields) -> bool:
    return "prompt" in fields and not fields.keys().isdisjoint(RESPONSE)


def _messages(fields: Fields) -> list[Message]:
    prompt = first_present(fields, ["prompt"], "missing_prompt")
    completion = first_present(fields, RESPONSE, "missing_response")
    if isinstance(prompt, list) and isinstance(completion, list):
        return [*map(_unlearnt, turns_of(prompt)), *turns_of(completion)]
    options = options_of(fields)
    return exchange(fields, with_options(text_of(prompt), options), chosen_text(completion, options))


def _unlearnt(turn: Message) -> Message:
    """TRL takes loss on the completion alone."""
    return Message(**{**turn, "learn": False}) if turn["role"] == "assistant" else turn


PROMPT_COMPLETION = Shape(
    name="prompt_completion",
    columns="prompt, completion (or response), and if wanted system, choices, reasoning",
    fits=_fits,
    messages=_messages,
    content=frozenset({"prompt", *RESPONSE, *SYSTEM, *REASONING, *OPTIONS}),
)
