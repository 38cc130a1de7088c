"""Progress bars on standard error, for people; silent where nobody watches (no terminal) beyond one closing line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

#: Logs and pipes have no width of their own; 80 columns would cut the tables.
console = Console(stderr=True, width=None if sys.stderr.isatty() else 120)


class Advance(Protocol):
    """Call with the number of items finished."""

    def __call__(self, items: int = 1) -> None: ...


@contextmanager
def progress(description: str, total: int) -> Iterator[Advance]:
    """A bar over `total` items; the body calls the yielded function as items finish."""
    columns = (
        TextColumn("  [cyan]{task.description:<22}"),
        BarColumn(bar_width=32),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task(description, total=total)

        def advance(items: int = 1) -> None:
            bar.advance(task, items)

        yield advance
