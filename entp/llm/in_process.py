"""A backend that holds the model in this process and computes one batch at a time: tokens, limits, a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Protocol, TypeVar

from entp.config import LLMConfig
from entp.llm.client import Choose, Generate, LogLikelihood, Reply, chosen
from entp.llm.embedded import model_identity
from entp.llm.prompts import Prompts, ToChoose, ToScore, ToWrite, too_long

W = TypeVar("W", ToWrite, ToChoose, ToScore)


class Engine(Protocol):
    """A loaded model. Work is in tokens and fits into the context; a batch is never empty."""

    prompts: Prompts

    def generate(self, work: Sequence[ToWrite]) -> list[Reply]: ...

    def shares(self, work: Sequence[ToChoose]) -> list[list[float]]:
        """Probability of each first token as the next token."""
        ...

    def logprobs(self, work: Sequence[ToScore]) -> list[float]:
        """Log-probability (nats) of each continuation."""
        ...


class InProcessBackend:
    """See `entp.llm.client.Backend`. The weights load with the first request; work is done in a thread, in turn."""

    concurrency = 1

    def __init__(self, config: LLMConfig, load: Callable[[LLMConfig], Engine]) -> None:
        self.name = model_identity(config.model, config.revision)
        self.batch_size = config.batch_size
        self._config = config
        self._load = load
        self._lock = threading.Lock()

    async def generate(self, requests: Sequence[Generate]) -> list[Reply]:
        return await asyncio.to_thread(self._generate, requests)

    async def choose(self, requests: Sequence[Choose]) -> list[Reply]:
        return await asyncio.to_thread(self._choose, requests)

    async def loglikelihood(self, requests: Sequence[LogLikelihood]) -> list[Reply]:
        return await asyncio.to_thread(self._loglikelihood, requests)

    def close(self) -> None:
        """Unload the model. The next request would load it again."""
        with self._lock:
            self.__dict__.pop("_engine", None)

    @cached_property
    def _engine(self) -> Engine:
        return self._load(self._config)

    def _generate(self, requests: Sequence[Generate]) -> list[Reply]:
        with self._lock:
            engine = self._engine
            work = [engine.prompts.to_write(request) for request in requests]
            return self._those_that_fit(work, engine.generate)

    def _choose(self, requests: Sequence[Choose]) -> list[Reply]:
        with self._lock:
            engine = self._engine
            work = [engine.prompts.to_choose(request) for request in requests]

            def compute(fitting: Sequence[ToChoose]) -> list[Reply]:
                return [
                    chosen(item.request, shares, len(item.prompt))
                    for item, shares in zip(fitting, engine.shares(fitting), strict=True)
                ]

            return self._those_that_fit(work, compute)

    def _loglikelihood(self, requests: Sequence[LogLikelihood]) -> list[Reply]:
        with self._lock:
            engine = self._engine
            work = [engine.prompts.to_score(request) for request in requests]

            def compute(fitting: Sequence[ToScore]) -> list[Reply]:
                return [
                    Reply(
                        status="ok",
                        logprob=logprob,
                        tokens_scored=len(item.continuation),
                        tokens_in=item.length,
                    )
                    for item, logprob in zip(fitting, engine.logprobs(fitting), strict=True)
                ]

            return self._those_that_fit(work, compute)

    def _those_that_fit(self, work: Sequence[W], compute: Callable[[Sequence[W]], list[Reply]]) -> list[Reply]:
        """Compute what fits into the context; the rest is refused."""
        longest = self._config.max_context
        fitting = [item for item in work if item.length <= longest]
        replies = iter(compute(fitting) if fitting else [])
        return [next(replies) if item.length <= longest else too_long(item, longest) for item in work]
