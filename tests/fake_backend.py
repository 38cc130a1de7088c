"""The one fake of the test suite: a language model that answers from a function, behind the real protocols."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from entp.llm.client import Choose, Generate, LogLikelihood, Reply, Request
from entp.progress import Advance


class FakeBackend:
    """Answers every request by `answer(request)`, and remembers the requests in `seen`."""

    name = "fake"
    batch_size = 4
    concurrency = 1

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        self.answer = answer
        self.seen: list[Request] = []

    async def _reply(self, requests: Sequence[Request]) -> list[Reply]:
        self.seen.extend(requests)
        return [self.answer(request) for request in requests]

    async def generate(self, requests: Sequence[Generate]) -> list[Reply]:
        return await self._reply(requests)

    async def choose(self, requests: Sequence[Choose]) -> list[Reply]:
        return await self._reply(requests)

    async def loglikelihood(self, requests: Sequence[LogLikelihood]) -> list[Reply]:
        return await self._reply(requests)


class FakeModel:
    """A `LanguageModel` that hands whole lists of requests to the fake backend, without a session between them."""

    def __init__(self, backend: FakeBackend) -> None:
        self.backend = backend

    async def generate(self, requests: Sequence[Generate], advance: Advance | None = None, /) -> list[Reply]:
        return _told(await self.backend.generate(requests), advance)

    async def choose(self, requests: Sequence[Choose], advance: Advance | None = None, /) -> list[Reply]:
        return _told(await self.backend.choose(requests), advance)

    async def loglikelihood(self, requests: Sequence[LogLikelihood], advance: Advance | None = None, /) -> list[Reply]:
        return _told(await self.backend.loglikelihood(requests), advance)


def _told(replies: list[Reply], advance: Advance | None) -> list[Reply]:
    if advance is not None:
        advance(len(replies))
    return replies
