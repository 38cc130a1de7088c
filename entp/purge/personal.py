"""Personal data in samples: replaced by typed placeholders, counted, and never kept or logged."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping

import polars as pl

from entp.errors import UsageError, near
from entp.pii.find import TRACE, TYPES, find_personal_data
from entp.purge.repair import turns_of, with_turns
from entp.records import PERSONAL

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

    Inside a sample the same datum becomes the same placeholder (`<EMAIL_1>`) in every turn, however it is spaced.
    """
    if not types or samples.is_empty():
        return samples, PERSONAL.to_frame()
    turns = turns_of(samples)
    # Most texts hold no trace of any, and stay out of Python.
    suspects = turns.filter(pl.col("content").str.contains(TRACE))
    changed: list[tuple[int, int, str]] = []
    counts: list[tuple[str, str, int]] = []
    for (position,), conversation in suspects.group_by("position", maintain_order=True):
        before = conversation["content"].to_list()
        after, found = without_personal_data(before, types)
        places = zip(conversation["turn"], before, after, strict=True)
        changed += [(int(str(position)), turn, new) for turn, old, new in places if new != old]
        counts += [(conversation["id"][0], kind, count) for kind, count in sorted(found.items())]
    keys = {name: turns.schema[name] for name in ("position", "turn")}
    rows = pl.DataFrame(changed, schema={**keys, "after": pl.String}, orient="row")
    return with_turns(samples, turns, rows), pl.DataFrame(counts, schema=PERSONAL, orient="row")


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
