"""Many jobs that each ask one question at a time, one batched model: requests go out in rounds.

    async def fuse(asker: Asker, pair: Pair) -> Fusion:              # straight-line code, one pair
        answers = await asker.generate([...])
        checks = await asker.choose([...])
        ...

    with open_session(...) as session:
        jobs = [partial(fuse, pair=pair) for pair in pairs]         # each is called with an Asker
        fusions = session.run(rounds.run(session, jobs, in_flight=8, advance=advance))

`in_flight` jobs are under way at once, and the next starts as one ends. When every one of them waits for a reply,
all outstanding requests go to the session as one list per kind, in the order of the jobs; so a small local model
still gets full batches, and the same jobs always make the same batches. With a backend that works on several batches
at once (an endpoint), there is nothing to gather: requests go straight through.

Rules for a job: it awaits nothing but its asker, and one call at a time (a call takes a list).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from entp.llm.client import Choose, Generate, LogLikelihood, Reply, Request
from entp.llm.session import Session, together
from entp.progress import Advance

T = TypeVar("T")


class Asker(Protocol):
    """What a job asks: the session's three calls. A `Session` is an Asker itself, which is handy in tests."""

    async def generate(self, requests: Sequence[Generate]) -> list[Reply]: ...

    async def choose(self, requests: Sequence[Choose]) -> list[Reply]: ...

    async def loglikelihood(self, requests: Sequence[LogLikelihood]) -> list[Reply]: ...


Job = Callable[[Asker], Awaitable[T]]


#: Asked before a job starts, with the results of the earliest jobs; no job starts once it has said no.
MayStart = Callable[[Sequence[T]], bool]


async def run(
    session: Session,
    jobs: Sequence[Job[T]],
    in_flight: int,
    advance: Advance | None = None,
    may_start: MayStart[T] | None = None,
) -> list[T]:
    """The jobs' results, in order. `advance` is called as jobs end.

    Before job n starts, `may_start` sees the results of jobs 0 to n - `in_flight`, waiting for them if need be: its
    verdict depends on them alone, not on who happens to be faster. After a no, the jobs under way are finished, and
    the results are those of the jobs before the first one refused. The first exception cancels the other jobs and is
    raised.
    """
    results: dict[int, T] = {}
    workers = min(in_flight, len(jobs))
    table = None if session.concurrent else _Table(session, workers)
    gate = _Gate(in_flight, may_start, results)
    queue = iter(enumerate(jobs))

    async def work() -> None:
        for index, job in queue:
            if not await gate.admits(index):
                break
            results[index] = await (job(session) if table is None else table.seated(index, job))
            gate.look()
            if advance is not None:
                advance(1)
        if table is not None:
            table.worker_leaves()

    tasks = [work() for _ in range(workers)]
    if table is not None and workers:
        tasks.append(table.serve())
    await together(tasks)
    return [results[index] for index in range(len(results))]


class _Gate(Generic[T]):
    """Lets jobs start by what the earliest ones have come to."""

    def __init__(self, in_flight: int, may_start: MayStart[T] | None, results: Mapping[int, T]) -> None:
        self._in_flight = in_flight
        self._may_start = may_start
        self._results = results
        self._earliest: list[T] = []
        self._grown = asyncio.Event()

    async def admits(self, index: int) -> bool:
        """Whether the job may start; returns when the results that decide it are there."""
        if self._may_start is None:
            return True
        needed = max(0, index - self._in_flight + 1)
        while len(self._earliest) < needed:
            self._grown.clear()
            await self._grown.wait()
        return self._may_start(self._earliest[:needed])

    def look(self) -> None:
        """A job has ended: extend the unbroken row of results from the first one."""
        if self._may_start is None:
            return
        while len(self._earliest) in self._results:
            self._earliest.append(self._results[len(self._earliest)])
        self._grown.set()


@dataclass
class _Question:
    job: int
    requests: Sequence[Request]
    replies: asyncio.Future[list[Reply]]


class _Table:
    """Where jobs wait for a round: it goes out when all of those under way are waiting."""

    def __init__(self, session: Session, workers: int) -> None:
        self._session = session
        self._workers = workers
        self._seats = 0
        self._questions: list[_Question] = []
        self._ready = asyncio.Event()

    async def seated(self, index: int, job: Job[T]) -> T:
        """The job's result; while it runs, no round goes out without it."""
        self._seats += 1
        try:
            return await job(_Seat(self, index))
        finally:
            self._seats -= 1
            self._look()

    async def ask(self, job: int, requests: Sequence[Request]) -> list[Reply]:
        if any(question.job == job for question in self._questions):
            raise RuntimeError("a job asks one call at a time; put the requests into one list")
        if not requests:
            return []
        replies: asyncio.Future[list[Reply]] = asyncio.get_running_loop().create_future()
        self._questions.append(_Question(job, requests, replies))
        self._look()
        return await replies

    def worker_leaves(self) -> None:
        """A worker has no further job."""
        self._workers -= 1
        self._look()

    def _look(self) -> None:
        if len(self._questions) == self._seats:
            self._ready.set()

    async def serve(self) -> None:
        """Send rounds until all workers have left.

        A worker that ends one job first begins the next, whose question is then part of the round.
        """
        while self._workers:
            await self._ready.wait()
            self._ready.clear()
            await asyncio.sleep(0)
            if self._questions and len(self._questions) == self._seats:
                questions, self._questions = sorted(self._questions, key=lambda question: question.job), []
                await self._send(questions)

    async def _send(self, questions: Sequence[_Question]) -> None:
        answered = [
            *await _ask_all(_of_kind(questions, LogLikelihood), self._session.loglikelihood),
            *await _ask_all(_of_kind(questions, Choose), self._session.choose),
            *await _ask_all(_of_kind(questions, Generate), self._session.generate),
        ]
        for question, replies in sorted(answered, key=lambda pair: pair[0].job):
            question.replies.set_result(replies)


class _Seat:
    """The Asker of one job."""

    def __init__(self, table: _Table, job: int) -> None:
        self._table = table
        self._job = job

    async def generate(self, requests: Sequence[Generate]) -> list[Reply]:
        return await self._table.ask(self._job, requests)

    async def choose(self, requests: Sequence[Choose]) -> list[Reply]:
        return await self._table.ask(self._job, requests)

    async def loglikelihood(self, requests: Sequence[LogLikelihood]) -> list[Reply]:
        return await self._table.ask(self._job, requests)


def _of_kind(questions: Sequence[_Question], kind: type[Request]) -> list[_Question]:
    return [question for question in questions if isinstance(question.requests[0], kind)]


async def _ask_all(
    questions: Sequence[_Question], ask: Callable[..., Awaitable[list[Reply]]]
) -> list[tuple[_Question, list[Reply]]]:
    """One list for all questions of a kind; each gets its own slice of the replies."""
    replies = iter(await ask([request for question in questions for request in question.requests]))
    return [(question, [next(replies) for _ in question.requests]) for question in questions]
