"""Rater `judge_generated`: the model writes four ratings from 1 to 10 as JSON, by constrained decoding.

Criteria and mapping are DS2's (section 3.1): rarity, complexity, informativeness, overall; overall, clipped to 4..9 and
shifted to 0..5, is the value. Unlike there, a reply that cannot be read is no zero: the sample stays unrated.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from entp.config import RateConfig
from entp.conversation import Message
from entp.judge.prompt import Prompt, is_cut, is_hidden, render
from entp.judge.retry import ask_again
from entp.llm.client import MALFORMED, Generate, Reply, SupportsGenerate, user
from entp.progress import Advance
from entp.rate.rating import RawRating, unrated
from entp.records import CRITERIA

PROMPT = Prompt("entp.rate", "judge_generated.v1")
LOWEST, HIGHEST = 1, 10
#: The overall ratings that are told apart: what lies outside is rare (DS2).
CLIP = (4, 9)
#: The JSON object needs about 30 tokens, of a small vocabulary 40.
MAX_TOKENS = 80
#: `overall` comes last, so that it can follow from the others.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {name: {"type": "integer", "enum": list(range(LOWEST, HIGHEST + 1))} for name in CRITERIA},
    "required": list(CRITERIA),
    "additionalProperties": False,
}


async def raw_values(
    model: SupportsGenerate, conversations: Sequence[Sequence[Message]], config: RateConfig, advance: Advance | None
) -> list[RawRating]:
    """Overall rating (a whole number 0..5) of each conversation's last answer, with all criteria; one request each."""
    requests = [
        Generate(user(render(PROMPT, messages, config.max_tokens)), MAX_TOKENS, json_schema=SCHEMA)
        for messages in conversations
    ]
    replies = await ask_again(model.generate, requests, advance)
    return [
        replace(_rating(reply), cut=is_cut(messages, config.max_tokens), hidden=is_hidden(messages))
        for reply, messages in zip(replies, conversations, strict=True)
    ]


def criteria_in(text: str) -> dict[str, int] | None:
    """The four ratings in a reply, None where it is anything but one JSON object with each of them in its range."""
    try:
        content = json.loads(text)
    except ValueError:
        return None
    if not isinstance(content, dict) or set(content) != set(CRITERIA):
        return None
    if any(type(value) is not int or not LOWEST <= value <= HIGHEST for value in content.values()):
        return None
    return {name: content[name] for name in CRITERIA}


def shifted(overall: int) -> int:
    """DS2's mapping of 1..10 to 0..5: 4 and less are 0, 9 and 10 are 5."""
    low, high = CLIP
    return min(max(overall, low), high) - low


def _rating(reply: Reply) -> RawRating:
    if reply.status == "failed" and reply.error.startswith(MALFORMED):
        return RawRating("unparsed", error=reply.error)
    if reply.status != "ok":
        return unrated(reply)
    criteria = criteria_in(reply.text)
    if criteria is None:
        return RawRating("unparsed", error="the reply is not the four ratings as JSON")
    return RawRating("rated", float(shifted(criteria["overall"])), None, criteria=criteria)
