"""Rows of a TRAINING or PREFERENCES table in the formats that other trainers read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from entp.assemble.files import as_json
from entp.conversation import is_learnt, plain

#: ShareGPT's names, as LLaMA-Factory has them.
SPEAKERS = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}
Row = Mapping[str, Any]


class UnsuitedError(ValueError):
    """The format has no place for something that the row holds."""


class Format(NamedTuple):
    """`rows` of the format for one row of ours; raises UnsuitedError where something would be lost."""

    title: str
    rows: Callable[[Row], list[dict[str, Any]]]


def _sharegpt(row: Row) -> list[dict[str, Any]]:
    tools = {"tools": row["tools"]} if row["tools"] else {}
    return [{"conversations": [_spoken(turn) for turn in row["messages"]], **tools, "id": row["id"]}]


def _spoken(turn: Row) -> dict[str, Any]:
    more = {"tool_call_id": turn["tool_call_id"]} if turn["tool_call_id"] else {}
    if turn["learn"] is False:
        more["weight"] = 0
    if turn["name"]:
        more["name"] = turn["name"]
    if not turn["tool_calls"]:
        thought = f"<think>\n{turn['reasoning']}\n</think>\n\n" if turn["reasoning"] else ""
        return {"from": SPEAKERS[turn["role"]], "value": thought + turn["content"], **more}
    if turn["content"].strip() or turn["reasoning"]:
        raise UnsuitedError("a turn that speaks or thinks beside its calls of tools")
    calls = [{"id": call.get("id"), **call["function"]} for call in json.loads(turn["tool_calls"])]
    return {"from": "function_call", "value": json.dumps(calls, ensure_ascii=False), **more}


def _prompt_completion(row: Row) -> list[dict[str, Any]]:
    """A row for each answer that is learnt from: the loss is on the completion alone."""
    turns = [{name: value for name, value in turn.items() if name != "weight"} for turn in plain(row["messages"])]
    tools = {"tools": json.loads(row["tools"])} if row["tools"] else {}
    return [
        {"prompt": turns[:place], "completion": [turns[place]], **tools, "id": row["id"]}
        for place, turn in enumerate(row["messages"])
        if is_learnt(turn)
    ]


def preference(row: Row) -> dict[str, Any]:
    """A PREFERENCES row as TRL has it: chosen and rejected, or a completion and its label where one is known."""
    tools = {"tools": json.loads(row["tools"])} if row["tools"] else {}
    prompt, chosen, rejected = (plain(row[side] or []) for side in ("prompt", "chosen", "rejected"))
    if chosen and rejected:
        return {"prompt": prompt, "chosen": chosen, "rejected": rejected, **tools, "id": row["id"]}
    return {"prompt": prompt, "completion": chosen or rejected, "label": bool(chosen), **tools, "id": row["id"]}


FORMATS = {
    "messages": Format("the conversational format of TRL and Hugging Face", lambda row: [as_json(row)]),
    "sharegpt": Format("ShareGPT, as LLaMA-Factory and axolotl read it", _sharegpt),
    "prompt_completion": Format("TRL's prompt and completion, a row for each answer", _prompt_completion),
}
