"""Ask the language model to make pairs of passages: one request for each passage and style, all under a JSON schema.

The styles of rephrasing are WRAP's (arXiv 2401.16380): easy, medium, hard, and questions with answers, which are the
turns of one conversation here. `question_answer` is what Nemotron-CC calls diverse question-answer pairs (arXiv
2412.02595), `synthesise` an instruction for a given answer, as in instruction backtranslation (arXiv 2308.06259). The
prompts are our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from entp.acquire.passages import Passage
from entp.config import AcquireConfig, AcquireStyle
from entp.judge.fence import inside_fence
from entp.judge.prompt import Prompt, fill
from entp.judge.retry import ask_again
from entp.llm.client import Generate, Reply, SupportsGenerate, user
from entp.progress import Advance

ROOM = "entp.acquire"
VERSIONS: dict[AcquireStyle, str] = {
    "question_answer": "question_answer.v1",
    "easy": "easy.v1",
    "medium": "medium.v1",
    "hard": "hard.v1",
    "conversation": "conversation.v1",
    "synthesise": "synthesise.v1",
}
MAX_TURNS = 5
#: Headings shown with the document's title; deeper ones tell little more (our choice).
HEADINGS_SHOWN = 3
TEXT = {"type": "string", "minLength": 1}


class Asked(NamedTuple):
    """What was asked about a passage, and what came back."""

    passage: Passage
    style: AcquireStyle
    reply: Reply


async def write(
    model: SupportsGenerate, passages: Sequence[Passage], config: AcquireConfig, seed: int, advance: Advance | None
) -> list[Asked]:
    """A reply for each passage and style, passage by passage."""
    asked = [(passage, style) for passage in passages for style in config.styles]
    requests = [request(passage, style, config, seed) for passage, style in asked]
    replies = await ask_again(model.generate, requests, advance)
    return [Asked(passage, style, reply) for (passage, style), reply in zip(asked, replies, strict=True)]


def request(passage: Passage, style: AcquireStyle, config: AcquireConfig, seed: int) -> Generate:
    """The request for a passage in a style. The passage's words stand inside a fence: they are data."""
    texts = {"title": inside_fence(_title(passage)), "passage": inside_fence(passage.text)}
    if style == "question_answer":
        texts["count"] = str(config.questions_per_passage)
    return Generate(
        user(fill(Prompt(ROOM, VERSIONS[style]), **texts)),
        config.max_reply_tokens,
        config.temperature,
        seed,
        schema(style, config.questions_per_passage),
    )


def schema(style: AcquireStyle, questions: int) -> dict[str, Any]:
    """The JSON schema of a reply. An answer that is copied comes before the request that is made for it."""
    if style == "question_answer":
        pair = _object(question=TEXT, answer=TEXT, needs_passage={"type": "boolean"})
        return _object(pairs={"type": "array", "minItems": 1, "maxItems": questions, "items": pair})
    if style == "conversation":
        turn = _object(question=TEXT, answer=TEXT)
        return _object(turns={"type": "array", "minItems": 1, "maxItems": MAX_TURNS, "items": turn})
    if style == "synthesise":
        return _object(answer=TEXT, instruction=TEXT)
    return _object(instruction=TEXT, text=TEXT)


def _object(**fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _title(passage: Passage) -> str:
    """What the passage stands under: its document's title, then the headings that say more."""
    title = passage.document.title
    names = [title] if title else []
    names += [heading for heading in passage.headings[:HEADINGS_SHOWN] if heading != title]
    return " > ".join(" ".join(name.split()) for name in names) or "(none)"
