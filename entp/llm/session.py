"""A session: how a stage uses a language model. Cache and ledger sit under every request.

    with open_session(config.llm, store.cache_folder(output), purpose="rate") as session:
        replies = session.run(session.choose(requests, advance))

A list is split into batches in a fixed order *before* the cache is asked, and every finished batch is committed as
one transaction: a run that was killed and is started again computes exactly the batches that an uninterrupted run
would have, so that both end with the same replies (padding makes a reply depend on its batch in the last digits).
"""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from entp.config import LLMConfig
from entp.errors import Stopped
from entp.llm import cache, ledger
from entp.llm.backends import close_backend, open_backend
from entp.llm.client import Backend, Choose, Generate, LogLikelihood, Reply, Request, request_digest
from entp.llm.lengths import length
from entp.progress import Advance

T = TypeVar("T")
R = TypeVar("R", Generate, Choose, LogLikelihood)
#: Kubernetes kills a pod 30 seconds after it asked it to end.
DRAIN_SECONDS = 20.0


@dataclass(frozen=True)
class Usage:
    """What a session asked for. Cached replies count too, except in `seconds`.

    `tokens_in`, `tokens_out` and `cost` (in the currency of `llm.price_in`) are therefore what the result takes from
    scratch, the same in a resumed run. `seconds` is the model's time in this session, summed over batches: with
    several batches in flight it exceeds the clock's.
    """

    requests: int = 0
    cached: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    cost: float = 0.0


@dataclass
class _Loop:
    """What belongs to one event loop: the batches in flight and the requests they will answer."""

    loop: asyncio.AbstractEventLoop
    slots: asyncio.Semaphore
    pending: dict[str, asyncio.Future[Reply]] = field(default_factory=dict)
    computing: set[asyncio.Future[None]] = field(default_factory=set)


class Session:
    """Requests in, replies out, in order. Obtained from `open_session`."""

    def __init__(self, backend: Backend, connection: sqlite3.Connection, purpose: str, config: LLMConfig) -> None:
        self._backend = backend
        self._connection = connection
        self._purpose = purpose
        self._config = config
        self._row = ledger.begin(connection, purpose, backend.name)
        self._usage = Usage()
        self._loop: _Loop | None = None
        self._stopping = False

    def run(self, work: Coroutine[object, object, T]) -> T:
        """Run a coroutine that uses this session to its end: `asyncio.run` with an orderly answer to SIGTERM.

        No further request is made then, those that the model is working on are waited for and kept (DRAIN_SECONDS at
        most), and Stopped is raised.
        """

        async def attended() -> T:
            if threading.current_thread() is threading.main_thread():
                asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._stop)
            return await work

        return asyncio.run(attended())

    @property
    def model_name(self) -> str:
        """Model and revision, for lineage."""
        return self._backend.name

    @property
    def concurrent(self) -> bool:
        """Whether the backend works on several batches at once, so that callers need not gather requests."""
        return self.concurrency > 1

    @property
    def concurrency(self) -> int:
        """Batches the backend works on at once."""
        return self._backend.concurrency

    @property
    def usage(self) -> Usage:
        """What was asked for so far."""
        return self._usage

    async def generate(self, requests: Sequence[Generate], advance: Advance | None = None) -> list[Reply]:
        """A reply per request, in order; `advance` is called as requests finish."""
        return await self._answer(requests, self._backend.generate, advance)

    async def choose(self, requests: Sequence[Choose], advance: Advance | None = None) -> list[Reply]:
        """A reply per request, in order; `advance` is called as requests finish."""
        return await self._answer(requests, self._backend.choose, advance)

    async def loglikelihood(self, requests: Sequence[LogLikelihood], advance: Advance | None = None) -> list[Reply]:
        """A reply per request, in order; `advance` is called as requests finish."""
        return await self._answer(requests, self._backend.loglikelihood, advance)

    def close(self) -> None:
        """Write the session's totals and close the cache."""
        ledger.count(self._connection, self._row, self._usage.requests, self._usage.cached)
        self._connection.close()

    async def _answer(
        self, requests: Sequence[R], compute: Callable[[Sequence[R]], Awaitable[list[Reply]]], advance: Advance | None
    ) -> list[Reply]:
        places: dict[str, list[int]] = {}
        for index, request in enumerate(requests):
            places.setdefault(request_digest(self.model_name, request), []).append(index)
        answers: dict[int, Reply] = {}
        distinct = [(digest, requests[indices[0]]) for digest, indices in places.items()]
        batches = _batches(distinct, self._backend.batch_size)
        remaining = iter(batches)

        async def work() -> None:
            for batch in remaining:
                replies, made = await self._answer_batch(batch, compute)
                indices = [index for digest in batch for index in places[digest]]
                answers.update({index: replies[digest] for digest in batch for index in places[digest]})
                self._count([answers[index] for index in indices], made)
                if advance is not None:
                    advance(len(indices))

        await together(work() for _ in range(min(self._backend.concurrency, len(batches))))
        return [answers[index] for index in range(len(requests))]

    async def _answer_batch(
        self, batch: Mapping[str, R], compute: Callable[[Sequence[R]], Awaitable[list[Reply]]]
    ) -> tuple[dict[str, Reply], int]:
        """Replies to a batch, and how many of them had to be made.

        Nothing is awaited between the look-up and the entry in `pending`, so that no request is ever made twice.
        """
        here = self._here()
        replies = cache.look_up(self._connection, list(batch))
        awaited = {digest: here.pending[digest] for digest in batch if digest in here.pending}
        missing = {
            digest: request for digest, request in batch.items() if digest not in replies and digest not in awaited
        }
        if missing:
            replies.update(await self._make(here, missing, compute))
        for digest, future in awaited.items():
            replies[digest] = await future
        return replies, len(missing)

    async def _make(
        self, here: _Loop, missing: Mapping[str, R], compute: Callable[[Sequence[R]], Awaitable[list[Reply]]]
    ) -> dict[str, Reply]:
        """Compute the missing requests and commit their replies and ledger rows in one transaction."""
        futures = {digest: here.loop.create_future() for digest in missing}
        here.pending.update(futures)
        try:
            async with here.slots:
                replies = await self._compute(here, missing, compute)
            for digest, future in futures.items():
                future.set_result(replies[digest])
        except Exception as error:
            for future in futures.values():
                future.set_exception(error)
                future.exception()  # whether or not anybody waits for it, it is raised here
            raise
        finally:
            for digest, future in futures.items():
                future.cancel()  # has an effect only where this task itself was cancelled
                del here.pending[digest]
        return replies

    async def _compute(
        self, here: _Loop, missing: Mapping[str, R], compute: Callable[[Sequence[R]], Awaitable[list[Reply]]]
    ) -> dict[str, Reply]:
        if self._stopping:
            await _drained(here)
            raise Stopped(
                "stopped by SIGTERM; finished requests are kept, so the same command goes on where this one ended"
            )
        finished = here.loop.create_future()
        here.computing.add(finished)
        try:
            started = time.monotonic()
            computed = await compute(list(missing.values()))
            replies = dict(zip(missing, computed, strict=True))
            self._commit(missing, replies, time.monotonic() - started)
        finally:
            here.computing.remove(finished)
            finished.set_result(None)
        return replies

    def _stop(self) -> None:
        self._stopping = True

    def _commit(self, missing: Mapping[str, Request], replies: Mapping[str, Reply], seconds: float) -> None:
        entries = [
            ledger.Entry(digest, _kind(request), replies[digest], seconds / len(missing))
            for digest, request in missing.items()
        ]
        with cache.transaction(self._connection):
            cache.keep(self._connection, replies)
            ledger.record(self._connection, self._purpose, self.model_name, entries)
            ledger.count(self._connection, self._row, self._usage.requests, self._usage.cached)
        self._usage = _plus(self._usage, Usage(seconds=seconds))

    def _count(self, replies: Sequence[Reply], made: int) -> None:
        tokens_in = sum(reply.tokens_in for reply in replies)
        tokens_out = sum(reply.tokens_out for reply in replies)
        cost = (tokens_in * self._config.price_in + tokens_out * self._config.price_out) / 1_000_000
        added = Usage(len(replies), len(replies) - made, tokens_in, tokens_out, 0.0, cost)
        self._usage = _plus(self._usage, added)

    def _here(self) -> _Loop:
        """The state of the running event loop: a stage may call `asyncio.run` several times in one session."""
        loop = asyncio.get_running_loop()
        if self._loop is None or self._loop.loop is not loop:
            self._loop = _Loop(loop, asyncio.Semaphore(self._backend.concurrency))
        return self._loop


@contextmanager
def open_session(config: LLMConfig, cache_folder: Path, purpose: str) -> Iterator[Session]:
    """A session on the configured model, with the cache and ledger of `cache_folder`.

    `purpose` (a stage's name, as a rule) labels the ledger. The model loads at the first request that is not cached.
    Raises SetupError for a missing model or package, an endpoint that is down, or an unusable cache.
    """
    backend = open_backend(config)
    session = Session(backend, cache.connect(cache_folder), purpose, config)
    try:
        yield session
    finally:
        session.close()
        close_backend(backend)


async def _drained(here: _Loop) -> None:
    """Wait for what the model is working on; the caller is about to end everything."""
    if here.computing:
        await asyncio.wait(here.computing, timeout=DRAIN_SECONDS)


def _kind(request: Request) -> str:
    return type(request).__name__.lower()


def _plus(one: Usage, other: Usage) -> Usage:
    return Usage(
        one.requests + other.requests,
        one.cached + other.cached,
        one.tokens_in + other.tokens_in,
        one.tokens_out + other.tokens_out,
        one.seconds + other.seconds,
        one.cost + other.cost,
    )


def _batches(requests: Sequence[tuple[str, R]], size: int) -> list[dict[str, R]]:
    """Batches of requests of similar length, the longest first: little padding, and memory peaks at the start."""
    order = sorted(range(len(requests)), key=lambda index: (length(requests[index][1]), -index), reverse=True)
    return [
        {requests[index][0]: requests[index][1] for index in order[start : start + size]}
        for start in range(0, len(order), size)
    ]


async def together(tasks: Iterable[Coroutine[object, object, None]]) -> None:
    """Run all tasks; the first that fails cancels the others, and its own exception is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(task)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
