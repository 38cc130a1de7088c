"""Personal data in samples: replaced by typed placeholders, counted, and never kept or logged."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from entp.errors import UsageError, near
from entp.pii.find import TRACE, TYPES, find_personal_data
from entp.purge.repair import turns_of, with_turns
from entp.records import PERSONAL

#: What of a turn is text; the last is JSON.
TEXTS = ("content", "reasoning", "tool_calls")
_PLACEHOLDER = re.compile(r"<([A-Z_]+)_(\d+)>")


def chosen_types(named: Collection[str] | None) -> tuple[str, ...]:
    """The types named, all where none are. Raises UsageError for a type that no recogniser has."""
    if named is None:
        return TYPES
    for name in named:
        if name not in TYPES:
            raise UsageError(f"purge.personal_data: there is no type {name!r}; {near(name, TYPES, 'types')}")
    return tuple(named)


def replace_personal_data(samples: pl.DataFrame, types: Collection[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The samples without personal data of these types, in the same order, and PERSONAL counts.

    Inside a sample the same datum becomes the same placeholder (`<EMAIL_1>`) in every turn (its reasoning and calls of
    tools too) and in `meta`, however it is spaced.
    """
    if not types or samples.is_empty():
        return samples, PERSONAL.to_frame()
    turns = turns_of(samples)
    # Most texts hold no trace of any, and stay out of Python.
    traced = pl.any_horizontal(pl.col(name).str.contains(TRACE).fill_null(value=False) for name in TEXTS)
    of_meta = samples.with_row_index("position").filter(_with_trace_in_meta())["position"]
    suspects = pl.concat([turns.filter(traced)["position"], of_meta]).unique().sort()
    changed: list[tuple[int, int, str | None, str | None, str | None]] = []
    metas: dict[int, str] = {}
    counts: list[tuple[str, str, int]] = []
    conversations = turns.filter(pl.col("position").is_in(suspects.implode())).partition_by("position", as_dict=True)
    for position in suspects:
        conversation, meta = conversations[(position,)], samples["meta"][position]
        rows = conversation.select(TEXTS).rows()
        (after, meta_after), found = _replaced_everywhere(rows, meta, types)
        places = zip(conversation["turn"], rows, after, strict=True)
        changed += [(position, turn, *new) for turn, old, new in places if new != old]
        if meta_after != meta:
            metas[position] = meta_after
        counts += [(samples["id"][position], kind, count) for kind, count in sorted(found.items())]
    keys = {name: turns.schema[name] for name in ("position", "turn")}
    frame = pl.DataFrame(changed, schema={**keys, **dict.fromkeys(TEXTS, pl.String)}, orient="row")
    replaced = with_turns(samples, turns, frame)
    if metas:
        replaced = replaced.with_columns(meta=replaced["meta"].scatter(list(metas), list(metas.values())))
    return replaced, pl.DataFrame(counts, schema=PERSONAL, orient="row")


def _with_trace_in_meta() -> pl.Expr:
    """Whether a row's own columns may hold any; where it came from is no personal datum."""
    own = pl.col("meta").str.replace(r'^\{"file": "(?:[^"\\]|\\.)*", "row": \d+', "")
    return own.str.contains(TRACE)


def _replaced_everywhere(
    rows: Sequence[tuple[str | None, ...]], meta: str, types: Collection[str]
) -> tuple[tuple[list[tuple[str | None, ...]], str], Mapping[str, int]]:
    """The turns' texts and the meta with placeholders. JSON keeps its form: only texts inside it are replaced."""
    calls = [json.loads(row[TEXTS.index("tool_calls")] or "null") for row in rows]
    columns = json.loads(meta)
    own = {name: columns.pop(name) for name in ("file", "row") if name in columns}
    plain = [text for row in rows for text in row[:2] if text is not None]
    after, found = without_personal_data([*plain, *_texts_in(calls), *_texts_in(columns)], types)
    new = iter(after)
    turns = [tuple(None if text is None else next(new) for text in row[:2]) for row in rows]
    written = [_as_json(_with_texts(call, new)) if call is not None else None for call in calls]
    columns = _with_texts(columns, new)
    meta_after = json.dumps({**own, **columns}, ensure_ascii=False)
    return ([(*turn, call) for turn, call in zip(turns, written, strict=True)], meta_after), found


def _texts_in(value: Any) -> Iterator[str]:
    """The texts in a JSON value, in order; the names of fields are none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(part)


def _with_texts(value: Any, texts: Iterator[str]) -> Any:
    """The value with other texts, in the order of `_texts_in`."""
    if isinstance(value, str):
        return next(texts)
    if isinstance(value, list):
        return [_with_texts(part, texts) for part in value]
    if isinstance(value, dict):
        return {name: _with_texts(part, texts) for name, part in value.items()}
    return value


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def without_personal_texts(repairs: pl.DataFrame, types: Collection[str]) -> pl.DataFrame:
    """REPAIRS rows with placeholders in their texts too."""
    if repairs.is_empty():
        return repairs
    texts = [without_personal_data(list(pair), types)[0] for pair in repairs.select("before", "after").iter_rows()]
    return repairs.with_columns(
        before=pl.Series([before for before, _ in texts]), after=pl.Series([after for _, after in texts])
    )


def without_personal_data(texts: list[str], types: Collection[str]) -> tuple[list[str], Mapping[str, int]]:
    """The texts of one sample with placeholders in place of personal data, and how many of each type were put in."""
    taken: Counter[str] = Counter()
    for name, number in (match.groups() for text in texts for match in _PLACEHOLDER.finditer(text)):
        taken[name] = max(taken[name], int(number))
    names: dict[tuple[str, str], str] = {}
    counts: Counter[str] = Counter()
    return [_replaced(text, types, taken, names, counts) for text in texts], counts


def _replaced(
    text: str,
    types: Collection[str],
    taken: Counter[str],
    names: dict[tuple[str, str], str],
    counts: Counter[str],
) -> str:
    # What stood too close to another datum to be told from it is seen when that one is gone.
    while data := [datum for datum in find_personal_data(text) if datum.type in types]:
        pieces, end = [], 0
        for datum in data:
            same = (datum.type, re.sub(r"\W", "", text[datum.start : datum.end]).lower())
            if same not in names:
                taken[datum.type.upper()] += 1
                names[same] = f"<{datum.type.upper()}_{taken[datum.type.upper()]}>"
            pieces += [text[end : datum.start], names[same]]
            counts[datum.type] += 1
            end = datum.end
        text = "".join([*pieces, text[end:]])
    return text
