"""Tools that a conversation may call, and the calls: read in the forms they come in, kept as JSON in OpenAI's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from entp.ingest.reasons import RowError
from entp.ingest.shapes.fields import Fields, is_filled

#: Columns that describe the tools of a row: OpenAI's, and its older name.
TOOLS = ("tools", "functions")


def tools_of(fields: Fields) -> str | None:
    """The row's tools as JSON of a list of descriptions, None where it has none. Raises RowError."""
    if fields.keys().isdisjoint(TOOLS):
        return None
    filled = [value for name in TOOLS if is_filled(value := parsed(fields.get(name)))]
    if any(other != filled[0] for other in filled[1:]):
        raise RowError("conflicting_fields")
    if not filled:
        return None
    tools = filled[0]
    if not isinstance(tools, list) or not all(isinstance(tool, Mapping) for tool in tools):
        raise RowError("unreadable_tools")
    return _json([tool if "function" in tool else {"type": "function", "function": tool} for tool in tools])


def calls_of(value: Any) -> str:
    """JSON of a list of calls, each {"id"?, "type": "function", "function": {"name", "arguments"}}.

    Arguments that are JSON text of an object become the object: chat templates want it so. Raises RowError.
    """
    found = parsed(value)
    calls = found if isinstance(found, list) else [found]
    return _json([_call(call) for call in calls])


def parsed(value: Any) -> Any:
    """The value that a JSON text stands for; other values as they are."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _call(call: Any) -> dict[str, Any]:
    function = call.get("function", call) if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise RowError("unreadable_tools")
    arguments = parsed(function.get("arguments", function.get("parameters")))
    known = {"name": function["name"], "arguments": {} if arguments is None else arguments}
    identifier = {"id": str(call["id"])} if is_filled(call.get("id")) else {}
    return {**identifier, "type": "function", "function": known}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
