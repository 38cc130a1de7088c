"""Many jobs that each wait for one reply at a time, and one model that works in batches.

    async def fuse(model: LanguageModel, pair: Pair) -> Fusion:     # straight-line code, one pair
        answers = await model.generate([...])
        checks = await model.choose([...])
        ...

    with open_session(...) as session:
        jobs = [partial(fuse, pair=pair) for pair in pairs]         # each is called with a LanguageModel
        fusions = session.run(run_jobs(session, jobs, in_flight=8, advance=advance))

`in_flight` jobs run at once, and the next starts as one ends. Their requests wait at a barrier: once every running job
is waiting for a reply, all waiting requests go to the session as one list per kind, in the order of the jobs. So a
small local model still gets full batches, and the same jobs always make the same batches. A backend that works on
several batches at once (an endpoint) needs no barrier: there requests go straight through.

Rules for a job: it awaits nothing but its model, and one call at a time (a call takes a list).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from entp.llm.client import Choose, Generate, LanguageModel, LogLikelihood, Reply, Request
from entp.llm.session import Session, together
from entp.progress import Advance

T = TypeVar("T")
Job = Callable[[LanguageModel], Awaitable[T]]
#: Asked before a job starts, with the results of the earliest jobs; no job starts once it has said no.
MayStart = Callable[[Sequence[T]], bool]


async def run_jobs(
    session: Session,
    jobs: Sequence[Job[T]],
    in_flight: int,
    advance: Advance | None = None,
    may_start: MayStart[T] | None = None,
) -> list[T]:
    """The jobs' results, in order. `advance` is called as jobs end.

    Before job n starts, `may_start` sees the results of jobs 0 to n - `in_flight`, waiting for them if need be: its
    verdict depends on them alone, not on which job happens to be faster. After a no, the jobs under way are finished,
    and the results are those of the jobs before the first one refused. The first exception cancels the other jobs and
    is raised.
    """
    results: dict[int, T] = {}
    workers = min(in_flight, len(jobs))
    barrier = None if session.concurrent else _Barrier(session, workers)
    admission = _Admission(in_flight, may_start, results)
    queue = iter(enumerate(jobs))

    async def work() -> None:
        for index, job in queue:
            if not await admission.admits(index):
                break
            results[index] = await (job(session) if barrier is None else barrier.run(index, job))
            admission.job_ended()
            if advance is not None:
                advance(1)
        if barrier is not None:
            barrier.worker_ended()

    tasks = [work() for _ in range(workers)]
    if barrier is not None and workers:
        tasks.append(barrier.send_batches())
    await together(tasks)
    return [results[index] for index in range(len(results))]


class _Admission(Generic[T]):
    """Decides whether a job may start, from the results of the earliest jobs."""

    def __init__(self, in_flight: int, may_start: MayStart[T] | None, results: Mapping[int, T]) -> None:
        self._in_flight = in_flight
        self._may_start = may_start
        self._results = results
        #: The results of jobs 0, 1, 2 ... up to the first one that has not ended.
        self._earliest: list[T] = []
        self._grown = asyncio.Event()

    async def admits(self, index: int) -> bool:
        """Whether the job may start; returns once the results that decide it are there."""
        if self._may_start is None:
            return True
        needed = max(0, index - self._in_flight + 1)
        while len(self._earliest) < needed:
            self._grown.clear()
            await self._grown.wait()
        return self._may_start(self._earliest[:needed])

    def job_ended(self) -> None:
        """There is a further result."""
        if self._may_start is None:
            return
        while len(self._earliest) in self._results:
            self._earliest.append(self._results[len(self._earliest)])
        self._grown.set()


@dataclass
class _Waiting:
    """The requests that a job waits for, and where their replies will go."""

    job: int
    requests: Sequence[Request]
    replies: asyncio.Future[list[Reply]]


class _Barrier:
    """Holds back the requests of running jobs until all of these jobs wait, and then sends them as batches."""

    def __init__(self, session: Session, workers: int) -> None:
        self._session = session
        self._workers = workers
        self._running = 0
        self._waiting: list[_Waiting] = []
        self._all_wait = asyncio.Event()

    async def run(self, index: int, job: Job[T]) -> T:
        """The job's result; while it runs, no batch goes out without it."""
        self._running += 1
        try:
            return await job(_JobModel(self, index))
        finally:
            self._running -= 1
            self._look()

    async def replies(self, job: int, requests: Sequence[Request]) -> list[Reply]:
        """The replies to a job's requests, once they have gone out with those of all other running jobs."""
        if any(waiting.job == job for waiting in self._waiting):
            raise RuntimeError("a job asks one call at a time; put the requests into one list")
        if not requests:
            return []
        replies: asyncio.Future[list[Reply]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(job, requests, replies))
        self._look()
        return await replies

    def worker_ended(self) -> None:
        """A worker has no further job."""
        self._workers -= 1
        self._look()

    def _look(self) -> None:
        if len(self._waiting) == self._running:
            self._all_wait.set()

    async def send_batches(self) -> None:
        """Send what is waiting whenever all running jobs wait, until all workers have ended.

        A worker that ends one job first begins the next, whose requests then go out with the others.
        """
        while self._workers:
            await self._all_wait.wait()
            self._all_wait.clear()
            await asyncio.sleep(0)
            if self._waiting and len(self._waiting) == self._running:
                waiting, self._waiting = sorted(self._waiting, key=lambda one: one.job), []
                await self._send(waiting)

    async def _send(self, waiting: Sequence[_Waiting]) -> None:
        answered = [
            *await _answer_together(_of_kind(waiting, LogLikelihood), self._session.loglikelihood),
            *await _answer_together(_of_kind(waiting, Choose), self._session.choose),
            *await _answer_together(_of_kind(waiting, Generate), self._session.generate),
        ]
        for one, replies in sorted(answered, key=lambda pair: pair[0].job):
            one.replies.set_result(replies)


class _JobModel:
    """The language model of one job: its requests wait at the barrier."""

    def __init__(self, barrier: _Barrier, job: int) -> None:
        self._barrier = barrier
        self._job = job

    async def generate(self, requests: Sequence[Generate], advance: Advance | None = None) -> list[Reply]:
        return await self._replies(requests, advance)

    async def choose(self, requests: Sequence[Choose], advance: Advance | None = None) -> list[Reply]:
        return await self._replies(requests, advance)

    async def loglikelihood(self, requests: Sequence[LogLikelihood], advance: Advance | None = None) -> list[Reply]:
        return await self._replies(requests, advance)

    async def _replies(self, requests: Sequence[Request], advance: Advance | None) -> list[Reply]:
        replies = await self._barrier.replies(self._job, requests)
        if advance is not None:
            advance(len(replies))
        return replies


def _of_kind(waiting: Sequence[_Waiting], kind: type[Request]) -> list[_Waiting]:
    return [one for one in waiting if isinstance(one.requests[0], kind)]


async def _answer_together(
    waiting: Sequence[_Waiting], ask: Callable[..., Awaitable[list[Reply]]]
) -> list[tuple[_Waiting, list[Reply]]]:
    """One list for all waiting requests of a kind; each job gets its own slice of the replies."""
    replies = iter(await ask([request for one in waiting for request in one.requests]))
    return [(one, [next(replies) for _ in one.requests]) for one in waiting]
