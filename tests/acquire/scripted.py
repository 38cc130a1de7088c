"""A writer that needs no model: what it says is taken from the passage that it is shown."""

from __future__ import annotations

import json
import re
from typing import Any

from entp.judge.fence import FENCE
from entp.llm.client import Generate, Reply, Request

_PASSAGE = re.compile(rf"{FENCE} passage\n(.*?)\n{FENCE}\n", re.DOTALL)


def passage_in(request: Request) -> str:
    """The passage that a request of the writer shows."""
    assert isinstance(request, Generate)
    found = _PASSAGE.search(request.messages[0]["content"])
    assert found is not None
    return found[1]


def sentences_of(passage: str) -> list[str]:
    return [sentence for sentence in re.split(r"(?<=[.!?])\s+", passage) if sentence.endswith(".")]


def write_well(request: Request) -> Reply:
    """Two questions, a rephrasing, a conversation or an instruction, as the request's schema wants it."""
    assert isinstance(request, Generate)
    assert request.json_schema is not None
    told = sentences_of(passage_in(request))
    first, last = told[0], told[-1]
    about = " ".join(first.split()[:4])
    content: dict[str, Any] = {
        "pairs": [
            {"question": f"What is known of {about}?", "answer": first, "needs_passage": False},
            {"question": f"What does the passage end with after {about}?", "answer": last, "needs_passage": False},
        ],
        "turns": [
            {"question": f"Tell me of {about}.", "answer": first},
            {"question": "And what else?", "answer": " ".join(told[1:]) or last},
        ],
        "instruction": f"Explain {about} in a few words.",
        "answer": first,
        "text": " ".join([*told[1:], first]),
    }
    wanted = request.json_schema["properties"]
    return Reply("ok", json.dumps({name: content[name] for name in wanted}), tokens_in=50, tokens_out=20)
