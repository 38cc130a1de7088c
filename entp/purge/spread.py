"""Work on chunks, spread over processes; what comes back comes in the chunks' order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")


def processors() -> int:
    """The processors that this process may use, by its affinity and its container's limit."""
    import joblib

    return int(joblib.cpu_count())


def in_order(function: Callable[[Chunk], Result], chunks: Iterable[Chunk], workers: int) -> Iterator[Result]:
    """`function` of every chunk. Chunks are taken from the iterable as workers come free, two ahead of each.

    With one worker the work is done here, without another process.
    """
    if workers == 1:
        yield from map(function, chunks)
        return
    import joblib

    with _one_thread_each():
        yield from joblib.Parallel(n_jobs=workers, return_as="generator", pre_dispatch="3*n_jobs", batch_size=1)(
            joblib.delayed(function)(chunk) for chunk in chunks
        )


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Workers started here leave the other processors to each other (polars reads this when it is imported)."""
    name = "POLARS_MAX_THREADS"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
