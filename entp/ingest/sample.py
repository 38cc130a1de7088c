"""From one row to one canonical sample, or one preference.

Content is kept exactly as it came (no normalising, no trimming): ids stay stable, and repairing is the purge's task.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

from entp.config import IngestConfig
from entp.conversation import Message, canonical, is_learnt, prompt_of, response_of
from entp.ingest.encoding import has_bad_text
from entp.ingest.files import InputFile
from entp.ingest.preference import CONTENT as PREFERENCE_CONTENT
from entp.ingest.preference import Preference, is_preference, preference_of
from entp.ingest.readers import RawRow
from entp.ingest.reasons import RowError
from entp.ingest.shapes import SHAPES, Shape, shape_of
from entp.ingest.shapes.conversation import is_conversation, raw_turns
from entp.ingest.shapes.fields import Fields, is_filled
from entp.ingest.shapes.tools import TOOLS, tools_of
from entp.ingest.shapes.turns import unknown_fields
from entp.ingest.source_name import source_name
from entp.pii.find import find_personal_data
from entp.records import content_id, digest_of
from entp.text.language import UNKNOWN, detect_language

#: Characters of the prompt, and of the response, that the language is told from (our choice).
LANGUAGE_SPAN = 300
#: Of 5,000 rows of 15 sources, guesses less sure than this were wrong about as often as right (our choice).
MIN_LANGUAGE_CONFIDENCE = 0.3
LANGUAGE_COLUMNS = ("lang", "language")
#: Longer values beside the content (a rendered prompt, a document, a vector) are not carried along in `meta`, but
#: named there under LEFT_OUT (characters as JSON, our choice).
LONGEST_META_VALUE = 1_000
LEFT_OUT = "left_out"
OWN_META = ("file", "row", "turns", "source_given", LEFT_OUT)
#: Columns of what cannot be read as text.
MEDIA = ("image", "images", "image_url", "video", "videos", "audio", "audios")
#: Where text stands for a picture (LLaVA's tags at an edge of the turn, Qwen's with a path inside).
MEDIA_TAG = re.compile(r"\A\s*<(?:image|video|audio)>|<(?:image|video|audio)>\s*\Z|<img>[^<\n]+</img>")
#: Who may speak after whom.
FOLLOWS = {"user": ("assistant",), "assistant": ("user", "tool"), "tool": ("tool", "assistant")}
#: Everything that carries meaning in some format.
CONTENT = frozenset().union(PREFERENCE_CONTENT, *(shape.content for shape in SHAPES))
CONVERSATIONS = ("messages", "conversations", "conversation", "chat")
encode = json.JSONEncoder(ensure_ascii=False).encode
ISO_639_1 = (
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en "
    "eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv "
    "ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne "
    "ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st "
    "su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)
ISO_639_1_CODES = frozenset(ISO_639_1.split())

Table = Literal["samples", "preferences"]


def read_row(row: RawRow, file: InputFile, usual: Shape | None, config: IngestConfig) -> tuple[Table, dict[str, Any]]:
    """The table that a row belongs to, and its record; `usual` is the file's usual shape. Raises RowError."""
    if row.fields is None:
        raise RowError(row.problem)
    fields = row.fields
    if not fields.keys().isdisjoint(MEDIA) and any(is_filled(fields.get(name)) for name in MEDIA):
        raise RowError("needs_media")
    shape = shape_of(fields, config.format) or usual
    if is_preference(fields):
        return "preferences", _preference(row, file, fields, shape, config)
    if shape is None:
        raise RowError("unknown_shape")
    messages = shape.messages(fields)
    _check_conversation(messages, config.max_characters)
    _check_all_is_read(fields, shape.content, messages)
    tools, meta = tools_of(fields), _meta(row, file, fields, shape.content, config)
    _check_text(messages, meta, tools)
    return "samples", {
        "id": content_id(messages, tools),
        "source": source_of(row, file, config),
        "messages": messages,
        "tools": tools,
        "language": _stated_language(fields) or _detected_language(messages),
        "meta": meta,
    }


def source_of(row: RawRow, file: InputFile, config: IngestConfig) -> str:
    """The row's own source where it names one, else the file's name without endings; fit for trackers."""
    named = _named_source(row, config)
    return source_name(file.stem if not named or has_bad_text(named) else named)


def _named_source(row: RawRow, config: IngestConfig) -> str:
    value = (row.fields or {}).get(config.source_column)
    return str(value).strip() if isinstance(value, str | int) else ""


def _preference(
    row: RawRow, file: InputFile, fields: Fields, shape: Shape | None, config: IngestConfig
) -> dict[str, Any]:
    found: Preference = preference_of(fields, shape)
    for answer in (found.chosen, found.rejected):
        if answer is not None:
            _check_conversation([*found.prompt, *answer], config.max_characters)
    tools = tools_of(fields)
    meta = _meta(row, file, fields, PREFERENCE_CONTENT | (shape.content if shape else frozenset()), config)
    _check_text([*found.prompt, *(found.chosen or []), *(found.rejected or [])], meta, tools)
    content = [None if turns is None else canonical(turns) for turns in found]
    return {
        "id": digest_of([*content, tools]),
        "source": source_of(row, file, config),
        "prompt": found.prompt,
        "chosen": found.chosen,
        "rejected": found.rejected,
        "tools": tools,
        "meta": meta,
    }


def _check_conversation(messages: Sequence[Message], max_characters: int) -> None:
    """Raise RowError unless this is a conversation that ends with the assistant, and has an answer to learn from."""
    roles = [turn["role"] for turn in messages]
    if "assistant" not in roles:
        raise RowError("no_assistant_turn")
    spoken = roles[1:] if roles[0] == "system" else roles
    in_order = all(after in FOLLOWS.get(before, ()) for before, after in pairwise(spoken))
    if not in_order or spoken[0] != "user":
        raise RowError("wrong_role_order")
    if spoken[-1] != "assistant":
        raise RowError("missing_response")
    if sum(len(turn["content"]) + len(turn.get("reasoning") or "") for turn in messages) > max_characters:
        raise RowError("too_long")
    if any(MEDIA_TAG.search(turn["content"]) for turn in messages if turn["role"] == "user" and "<" in turn["content"]):
        raise RowError("needs_media")
    if not any(is_learnt(turn) for turn in messages):
        raise RowError("nothing_learnt")
    if not prompt_of(messages).strip():
        raise RowError("missing_prompt" if response_of(messages).strip() else "empty")


def _check_all_is_read(fields: Fields, read: frozenset[str], messages: Sequence[Message]) -> None:
    """Raise RowError for a field that carries meaning but is neither read nor said in the conversation anyway."""
    for name in fields.keys() & (CONTENT - read):
        value = fields[name]
        if name in CONVERSATIONS and not is_conversation(value):
            continue  # a room's name in a column called `chat`
        if is_filled(value) and not _is_said(value, messages):
            raise RowError("unread_fields")


def _is_said(value: Any, messages: Sequence[Message]) -> bool:
    """Whether a text is part of a turn, or a rendering that holds the prompt; or a conversation has the same texts."""
    contents = [turn["content"] for turn in messages]
    if is_conversation(value) and not isinstance(value, str):
        others = [turn.get("content", turn.get("value")) for turn in raw_turns(value) if isinstance(turn, Mapping)]
        return bool(others) and all(other in contents for other in others)
    if isinstance(value, list | dict | bytes):
        return False
    text = str(value).strip()
    asked = next(turn["content"].strip() for turn in messages if turn["role"] == "user")
    return any(text in content for content in contents) or (bool(asked) and asked in text)


def _check_text(messages: Sequence[Message], meta: str, tools: str | None) -> None:
    if has_bad_text(meta) or (tools and has_bad_text(tools)):
        raise RowError("wrong_encoding")
    for turn in messages:
        for value in turn.values():
            if isinstance(value, str) and has_bad_text(value):
                raise RowError("wrong_encoding")


def _meta(row: RawRow, file: InputFile, fields: Fields, content: frozenset[str], config: IngestConfig) -> str:
    """Where the row came from, and its other columns, as JSON. A user's own `file` becomes `input_file`."""
    meta: dict[str, Any] = {"file": file.name, "row": row.line}
    left_out = []
    for name, value in fields.items():
        if name in content or name in TOOLS or name == config.source_column or not is_filled(value):
            continue
        if isinstance(value, int) or (isinstance(value, str) and len(value) <= LONGEST_META_VALUE):
            meta[f"input_{name}" if name in OWN_META else name] = value
        elif (carried := _carried(value)) is not None:
            meta[f"input_{name}" if name in OWN_META else name] = carried
        else:
            left_out.append(name)
    for name in content.intersection(CONVERSATIONS) & fields.keys():
        if unknown := _unknown_of_turns(fields[name]):
            meta["turns"] = unknown
    named = _named_source(row, config)
    if named and not has_bad_text(named) and source_name(named) != named and not find_personal_data(named):
        meta["source_given"] = named
    if left_out:
        meta[LEFT_OUT] = left_out
    return encode(meta)


def _unknown_of_turns(value: Any) -> Any:
    try:
        return _carried(unknown_fields(raw_turns(value)))
    except RowError:
        return None


def _carried(value: Any) -> Any:
    """The value as JSON holds it; None for bytes, for what is long, and for what JSON has no form for."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    try:
        written = encode(value)
    except (TypeError, ValueError, RecursionError):
        written = "" if isinstance(value, bytes | list | dict | tuple) else str(value)
        value = written
    return value if 0 < len(written) <= LONGEST_META_VALUE and is_filled(value) else None


def _stated_language(fields: Mapping[str, Any]) -> str | None:
    """An ISO 639-1 code that the row itself states ("zh", "en-US"); a programming language is none."""
    for column in LANGUAGE_COLUMNS:
        value = fields.get(column)
        if (
            isinstance(value, str)
            and (code := value.strip().lower().replace("_", "-").split("-")[0]) in ISO_639_1_CODES
        ):
            return code
    return None


def _detected_language(messages: list[Message]) -> str:
    text = f"{prompt_of(messages)[:LANGUAGE_SPAN]}\n{response_of(messages)[:LANGUAGE_SPAN]}"
    language, confidence = detect_language(text)
    return language if confidence >= MIN_LANGUAGE_CONFIDENCE else UNKNOWN
