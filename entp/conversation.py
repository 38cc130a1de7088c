"""A sample's conversation: its turns, which of its answers are learnt from, and the texts that stages read of it.

An answer is learnt from unless its turn says otherwise; the texts are the last such answer (`response`), what was said
before it (`prompt`, without the system turn), and the system turn (`system`). Reasoning is none of them: it is no part
of the answer that a reader is given. Calls of tools are: an answer that only calls one is that call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import polars as pl


class Message(TypedDict):
    """One turn (the Hugging Face / TRL `messages` format); what a turn hasn't got is absent, in tables null.

    `role` is "system", "user", "assistant" or "tool". `tool_calls` is JSON of a list of OpenAI's calls; `learn` is
    false where an answer is context only.
    """

    role: str
    content: str
    reasoning: NotRequired[str | None]
    tool_calls: NotRequired[str | None]
    tool_call_id: NotRequired[str | None]
    name: NotRequired[str | None]
    learn: NotRequired[bool | None]


MESSAGE: Any = pl.Struct(
    {
        "role": pl.String,
        "content": pl.String,
        "reasoning": pl.String,
        "tool_calls": pl.String,
        "tool_call_id": pl.String,
        "name": pl.String,
        "learn": pl.Boolean,
    }
)
MESSAGES: Any = pl.List(MESSAGE)
#: What a turn may have beside role and content.
EXTRAS = ("reasoning", "tool_calls", "tool_call_id", "name", "learn")


def is_learnt(turn: Mapping[str, Any]) -> bool:
    """Whether training takes loss on this turn."""
    return turn["role"] == "assistant" and turn.get("learn") is not False


def said(turn: Mapping[str, Any]) -> str:
    """What a turn says: its content, and the calls of tools in it."""
    calls = turn.get("tool_calls")
    return turn["content"] if not calls else f"{turn['content']}\n{calls}".lstrip("\n")


def system_of(messages: Sequence[Message]) -> str:
    """The system turn, or nothing."""
    return messages[0]["content"] if messages[0]["role"] == "system" else ""


def prompt_of(messages: Sequence[Message]) -> str:
    """Everything said before the last answer that is learnt from, without the system turn."""
    return "\n\n".join(said(turn) for turn in before(messages) if turn["role"] != "system")


def context_of(messages: Sequence[Message]) -> str:
    """The same with the system turn before it: all that the answer must heed."""
    return "\n\n".join(said(turn) for turn in before(messages))


def response_of(messages: Sequence[Message]) -> str:
    """The last answer that is learnt from."""
    return said(messages[_last_learnt(messages)])


def before(messages: Sequence[Message]) -> Sequence[Message]:
    """The turns before the last answer that is learnt from."""
    return messages[: _last_learnt(messages)]


def spoken(messages: Sequence[Message]) -> list[Message]:
    """The turns as any chat template takes them: what a tool says comes from the user, and turns alternate."""
    turns: list[Message] = []
    for turn in messages:
        role = "user" if turn["role"] == "tool" else turn["role"]
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += "\n\n" + said(turn)
        else:
            turns.append(Message(role=role, content=said(turn)))
    return turns


def with_text(samples: pl.DataFrame) -> pl.DataFrame:
    """Add the columns `system`, `prompt` and `response`: the texts around the last answer that is learnt from."""
    return _texts(samples.with_columns(turn=_learnt().list.last())).drop("turn")


def heeding(texts: pl.DataFrame) -> pl.DataFrame:
    """Texts whose `prompt` begins with their `system`."""
    both = pl.concat_str("system", "prompt", separator="\n\n")
    return texts.with_columns(prompt=pl.when(pl.col("system") == "").then("prompt").otherwise(both))


def answers(samples: pl.DataFrame) -> pl.DataFrame:
    """One row for every answer that is learnt from, as `with_text` has it of the last, with its `turn` (from 0)."""
    return _texts(samples.with_columns(turn=_learnt()).explode("turn", empty_as_null=False))


def everything(samples: pl.DataFrame) -> pl.DataFrame:
    """As `with_text`, but `prompt` begins with the system turn, and `response` with the reasoning of all turns."""
    texts = heeding(with_text(samples))
    turn = pl.element().struct
    reasoning = samples["messages"].explode(empty_as_null=False).struct.field("reasoning")
    if reasoning.null_count() == len(reasoning):
        return texts
    thoughts = pl.col("messages").list.eval(turn.field("reasoning").drop_nulls()).list.join("\n\n")
    return texts.with_columns(response=pl.concat_str(thoughts, "response", separator="\n\n"))


def plain(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The turns as chat templates and datasets have them: only what is there, calls of tools as objects.

    Reasoning is `reasoning_content`, and an answer that is not learnt from has the `weight` 0 (OpenAI's name).
    """
    return [_plain(turn) for turn in messages]


def canonical(messages: Sequence[Mapping[str, Any]], tools: str | None = None) -> list[Any]:
    """What the content address of a sample is made of: a plain turn is [role, content]."""
    turns: list[Any] = [[turn["role"], turn["content"], *_extras(turn)] for turn in messages]
    return [*turns, {"tools": tools}] if tools else turns


def _extras(turn: Mapping[str, Any]) -> list[dict[str, Any]]:
    extras = {name: turn[name] for name in EXTRAS if turn.get(name) is not None}
    return [extras] if extras else []


def _plain(turn: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"role": turn["role"], "content": turn["content"]}
    if turn.get("reasoning"):
        shown["reasoning_content"] = turn["reasoning"]
    if turn.get("tool_calls"):
        shown["tool_calls"] = json.loads(turn["tool_calls"])
    for name in ("tool_call_id", "name"):
        if turn.get(name):
            shown[name] = turn[name]
    if turn.get("learn") is False:
        shown["weight"] = 0
    return shown


def _last_learnt(messages: Sequence[Message]) -> int:
    last = len(messages) - 1
    if is_learnt(messages[last]):  # nearly always, and for every row of a pool
        return last
    return next((place for place in range(last - 1, -1, -1) if is_learnt(messages[place])), last)


def _learnt() -> pl.Expr:
    """The places of the answers that are learnt from, as a list."""
    turn = pl.element().struct
    learnt = (turn.field("role") == "assistant") & turn.field("learn").fill_null(value=True)
    return pl.col("messages").list.eval(pl.arg_where(learnt).cast(pl.Int64))


def _texts(placed: pl.DataFrame) -> pl.DataFrame:
    """Add the texts around the answer whose place is in the column `turn`."""
    turn = pl.element().struct
    turns = pl.col("messages").list
    calls = _has_calls(placed)
    text = _said() if calls else turn.field("content")
    first = turns.first().struct
    return placed.with_columns(
        system=pl.when(first.field("role") == "system").then(first.field("content")).otherwise(pl.lit("")),
        prompt=turns.head("turn").list.eval(text.filter(turn.field("role") != "system")).list.join("\n\n"),
        response=turns.slice("turn", 1).list.eval(text).list.first()
        if calls
        else turns.get("turn").struct.field("content"),
    )


def _has_calls(samples: pl.DataFrame) -> bool:
    """Whether any turn calls a tool; few pools have such turns, and the others are spared the joining of texts."""
    calls = samples["messages"].explode(empty_as_null=False).struct.field("tool_calls")
    return calls.null_count() < len(calls)


def _said() -> pl.Expr:
    """`said` of a list's elements."""
    turn = pl.element().struct
    calls = turn.field("tool_calls")
    both = pl.concat_str(turn.field("content"), calls, separator="\n").str.strip_chars_start("\n")
    return pl.when(calls.is_null()).then(turn.field("content")).otherwise(both)
