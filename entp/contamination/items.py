"""Evaluation items, to be kept out of training data: rows of JSON Lines, JSON or Parquet, reduced to what they ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from entp.errors import DataError
from entp.evaluate.catalogue import BUILT_IN
from entp.ingest.files import CONTAINERS, InputFile, find_files
from entp.ingest.readers import read_rows
from entp.text.words import words

#: Columns that hold what an item asks. Its answer gives nothing away: "the Pacific is the largest ocean" is anybody's.
ASKING_COLUMNS = frozenset(["instruction", "input", "problem", "prompt", "query", "question", "turns"])
#: A shorter text is too short to be told from chance, even where it is the whole prompt (our choice).
SHORTEST_TEXT = 4


class Item(NamedTuple):
    """One evaluation item: the file it is from, its 1-based row there, and the texts that it asks."""

    benchmark: str
    row: int
    texts: tuple[str, ...]


def read_items(paths: Iterable[Path]) -> list[Item]:
    """The evaluation items of files, and of all files of folders.

    Raises UsageError for a path that is not there or of another format, DataError naming file and row where one cannot
    be read, or where a file holds no text.
    """
    return [item for file in find_files({str(path): path for path in paths}).files for item in _items_of(file)]


def built_in_items() -> list[Item]:
    """The items of the evaluation tasks that come with the project."""
    return read_items(path for path in sorted(BUILT_IN.iterdir()) if path.suffix in CONTAINERS)


def _items_of(file: InputFile) -> list[Item]:
    items: list[Item] = []
    try:
        with file.path.open("rb") as handle:
            for row in read_rows(file, handle):
                if row.fields is None:
                    raise DataError(
                        f"{file.path}, row {row.line}: this evaluation item cannot be read ({row.problem}); mend the "
                        "file: what is not read cannot be kept out of the training data"
                    )
                items.append(Item(file.name, row.line, _texts(row.fields)))
    except (OSError, pa.ArrowException) as error:
        raise DataError(
            f"{file.path}: this evaluation file cannot be read to its end ({error}); is it whole?"
        ) from error
    if not any(len(words(text)) >= SHORTEST_TEXT for item in items for text in item.texts):
        raise DataError(f"{file.path}: no text of {SHORTEST_TEXT} words or more in it; name files of evaluation items")
    return items


def _texts(fields: dict[str, Any]) -> tuple[str, ...]:
    """What the item asks; where no column says so, everything in it."""
    asked = {name: value for name, value in fields.items() if name.lower() in ASKING_COLUMNS}
    return tuple(_strings(asked)) or tuple(_strings(fields))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
