"""Transcripts: one text with a label before each turn (Glaive's `USER:` and `ASSISTANT:`, Anthropic's `Human:`)."""

from __future__ import annotations

import re
from typing import Any

from entp.ingest.reasons import RowError

SPEAKERS = {
    "SYSTEM": "system",
    "USER": "user",
    "Human": "user",
    "ASSISTANT": "assistant",
    "Assistant": "assistant",
    "FUNCTION RESPONSE": "tool",
}
#: A label begins the text or a paragraph: "User:" in the middle of an answer is text.
LABEL = re.compile(rf"(?:\A\s*|\n\s*\n\s*)({'|'.join(SPEAKERS)}):[ ]?")
END = re.compile(r"\s*<\|endoftext\|>\s*\Z")
#: Glaive's call: JSON whose arguments are JSON again, in single quotes.
CALL = re.compile(r"<functioncall>\s*(.*)\Z", re.DOTALL)
QUOTED_ARGUMENTS = re.compile(r"(\"arguments\"\s*:\s*)'(.*)'(\s*}\s*)\Z", re.DOTALL)


def is_transcript(text: str) -> bool:
    """Whether the text begins with a speaker's label."""
    return LABEL.match(text) is not None


def transcript_turns(text: str) -> list[dict[str, Any]]:
    """The turns as OpenAI would write them. Raises RowError for a call that cannot be read."""
    labels = list(LABEL.finditer(text))
    ends = [label.start() for label in labels[1:]] + [len(text)]
    return [_turn(label[1], text[label.end() : end]) for label, end in zip(labels, ends, strict=True)]


def _turn(label: str, content: str) -> dict[str, Any]:
    content, role = END.sub("", content), SPEAKERS[label]
    call = CALL.search(content) if role == "assistant" else None
    if call is None:
        return {"role": role, "content": content}
    # As in the format: the arguments' own quotes are not escaped.
    written = QUOTED_ARGUMENTS.sub(r"\1\2\3", call[1])
    if written[:1] != "{":
        raise RowError("unreadable_tools")
    return {"role": role, "content": content[: call.start()].rstrip(), "tool_calls": written}
