"""Pairs of the writer's replies: read, checked against their passage, and put into the turns that are learnt from."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from entp.acquire.document import LeftOut
from entp.acquire.grounding import ungrounded
from entp.acquire.passages import Passage
from entp.acquire.writer import Asked, schema
from entp.config import AcquireStyle
from entp.conversation import Message
from entp.llm.client import MALFORMED, Reply
from entp.mix.terms import absent_reference
from entp.records import content_id

SIDES = ("user", "assistant")
REPHRASINGS: tuple[AcquireStyle, ...] = ("easy", "medium", "hard", "conversation")
#: A rephrasing that is shorter, as a share of its passage's characters, has left things out (our choice).
LEAST_TOLD = 0.25
MARKS = " .!?\n"
#: Words by which a question speaks of the passage that it was written from.
_POINTS = re.compile(
    r"\b(?:(?:the|this) (?:given |above |provided )?(?:passage|text|excerpt|article|document|author|section|paragraph)"
    r"|according to (?:the|this)|mentioned (?:above|here|in)|described (?:above|here))\b|上述|文中|本文|这段",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Pair:
    """An instruction with its answer, or a conversation of several, made of a passage.

    `material` says whether the passage stands before the first question, for those that need it.
    """

    passage: Passage
    style: AcquireStyle
    messages: tuple[Message, ...]
    material: bool = False

    @property
    def id(self) -> str:
        """The id that `ingest` gives a sample of these turns."""
        return content_id(self.messages)


def pairs_of(asked: Asked) -> tuple[list[Pair], list[LeftOut]]:
    """The pairs in a reply, and what of it was left out: all of it where it cannot be read."""
    reason, detail = _fault(asked.reply)
    content = None if reason else _content(asked.reply.text, asked.style)
    if content is None:
        return [], [_left_out(asked, reason or "unparsed", detail or "the reply is not what its schema asks for")]
    pairs: list[Pair] = []
    left_out: list[LeftOut] = []
    for pair in _made(asked, content):
        if fault := _unsupported(pair):
            left_out.append(_left_out(asked, "ungrounded", fault))
        elif fault := _incomplete(pair):
            left_out.append(_left_out(asked, "incomplete", fault))
        else:
            pairs.append(pair)
    return pairs, left_out


def _fault(reply: Reply) -> tuple[str, str]:
    """Why there is no reply to read; nothing where there is one."""
    if reply.status == "ok":
        return "", ""
    if reply.error.startswith(MALFORMED):
        return "unparsed", reply.error
    return reply.status, reply.error or "the model ended its reply so"


def _content(text: str, style: AcquireStyle) -> dict[str, Any] | None:
    """The reply as its schema has it: an endpoint may not follow one. None for anything else."""
    try:
        content = json.loads(text)
    except ValueError:
        return None
    wanted = schema(style, 1)["properties"]
    if not isinstance(content, dict) or not set(wanted) <= set(content):
        return None
    return content if all(_fits(content[name], what) for name, what in wanted.items()) else None


def _fits(value: object, wanted: dict[str, Any]) -> bool:
    if wanted["type"] == "string":
        return isinstance(value, str) and bool(value.strip())
    if wanted["type"] == "boolean":
        return isinstance(value, bool)
    if not isinstance(value, list) or not value:
        return False
    fields = wanted["items"]["properties"]
    return all(
        isinstance(item, dict) and all(name in item and _fits(item[name], what) for name, what in fields.items())
        for item in value
    )


def _made(asked: Asked, content: dict[str, Any]) -> list[Pair]:
    passage, style = asked.passage, asked.style
    if style == "question_answer":
        return [_question(passage, pair) for pair in content["pairs"]]
    if style == "conversation":
        turns = [(turn["question"], turn["answer"]) for turn in content["turns"]]
    else:
        turns = [(content["instruction"], content["answer" if style == "synthesise" else "text"])]
    return [Pair(passage, style, _messages(turns))]


def _question(passage: Passage, pair: dict[str, Any]) -> Pair:
    """A question with its answer; the passage goes before one that leans on it."""
    question = pair["question"].strip()
    leans = pair["needs_passage"] or _POINTS.search(question) is not None or absent_reference(question).value > 0
    asked = f"{passage.text}\n\n{question}" if leans else question
    return Pair(passage, "question_answer", _messages([(asked, pair["answer"])]), leans)


def _messages(turns: Sequence[tuple[str, str]]) -> tuple[Message, ...]:
    return tuple(
        message
        for question, answer in turns
        for message in (
            Message(role="user", content=question.strip()),
            Message(role="assistant", content=answer.strip()),
        )
    )


def _unsupported(pair: Pair) -> str:
    """What of a pair's answers the passage does not support; nothing where it does all."""
    answers = [turn["content"] for turn in pair.messages if turn["role"] == "assistant"]
    if pair.style == "synthesise":
        copied = " ".join(answers[0].split()) in " ".join(pair.passage.text.split())
        return "" if copied else "the answer is not a part of the passage, word for word"
    return next((fault for answer in answers if (fault := ungrounded(answer, pair.passage))), "")


def _incomplete(pair: Pair) -> str:
    """What a pair lacks: a rephrasing tells most of its passage, and no answer only repeats its question."""
    asked, answered = ([turn["content"] for turn in pair.messages if turn["role"] == role] for role in SIDES)
    if any(
        one.casefold().strip(MARKS) == other.casefold().strip(MARKS) for one, other in zip(asked, answered, strict=True)
    ):
        return "an answer only repeats its question"
    told, whole = sum(map(len, answered)), len(pair.passage.text)
    if pair.style in REPHRASINGS and told < LEAST_TOLD * whole:
        return f"{told} characters of a passage of {whole}"
    return ""


def _left_out(asked: Asked, reason: str, detail: str) -> LeftOut:
    passage = asked.passage
    address, identifier = passage.document.origin.address, passage.passage_id
    return LeftOut(address, reason, detail, identifier, asked.style, passage.page, passage.start, passage.end)
