"""Which evaluation items must not leak: those of the built-in tasks, and of the files that a setting names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from entp.contamination.index import ContaminationIndex, build_index
from entp.contamination.items import built_in_items, read_items
from entp.errors import UsageError


def load_benchmarks(named: Sequence[str], length: int, setting: str) -> ContaminationIndex:
    """The index of all items, by runs of `length` words; `setting` names them ("audit.benchmarks").

    Raises UsageError for a path that is not there, DataError for a broken file.
    """
    try:
        items = read_items(Path(name).expanduser() for name in named)
    except UsageError as error:
        raise UsageError(f"{setting}: {error}") from error
    return build_index([*built_in_items(), *items], length)
