"""The one fake of the test suite: a language model that answers from a function, behind the real protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from entp.llm.client import Choose, Generate, LogLikelihood, Reply, Request


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
