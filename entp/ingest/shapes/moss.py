"""MOSS conversations: {"turn_1": {"Human": "<|Human|>: ...<eoh>", "MOSS": "<|MOSS|>: ...<eom>"}, ...}.

The markers are the format's own and come off. Its calls of tools are programs of its own kind, so they are refused.
"""

from __future__ import annotations

import re
from typing import Any

from entp.ingest.reasons import RowError

MARKERS = re.compile(r"^<\|[^|>]+\|>:[ ]?|<eo[a-z]>\s*$")
TOOLS = ("Commands", "Tool Responses")


def moss_turns(conversation: dict[str, Any]) -> list[dict[str, Any]]:
    """The turns as ShareGPT would write them. Raises RowError where this is no MOSS conversation or calls tools."""
    turns = []
    for exchange in conversation.values():
        if not isinstance(exchange, dict) or "Human" not in exchange:
            raise RowError("not_text")
        if any(_plain(exchange.get(tool, "None")) not in ("", "None") for tool in TOOLS):
            raise RowError("unreadable_tools")
        turns.append({"from": "human", "value": _plain(exchange["Human"])})
        turns.append({"from": "gpt", "value": _plain(exchange.get("MOSS"))})
    return turns


def _plain(text: Any) -> Any:
    return MARKERS.sub("", text) if isinstance(text, str) else text
