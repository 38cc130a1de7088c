"""The backend for one or several servers that speak the OpenAI protocol.

`chat_api` makes one request to one server, `faults` sorts what goes wrong there, `servers` chooses among the servers
and tries again.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Sequence

from entp.config import LLMConfig
from entp.errors import UsageError
from entp.llm.chat_api import ChatApi
from entp.llm.client import Choose, Generate, LogLikelihood, Reply
from entp.llm.embedded import EMBEDDED
from entp.llm.servers import Servers

#: Open files besides the connections: data, cache, logs.
OTHER_FILES = 256


class EndpointBackend:
    """See `entp.llm.client.Backend`. Each request is its own batch; the servers do the batching."""

    batch_size = 1

    def __init__(self, config: LLMConfig) -> None:
        urls = [config.endpoint] if isinstance(config.endpoint, str) else config.endpoint
        if not urls:
            raise UsageError("llm.backend=endpoint needs the server's base URL: llm.endpoint=http://HOST:PORT/v1")
        if config.model == EMBEDDED:
            raise UsageError("llm.backend=endpoint needs the name of the model as the server knows it: llm.model=NAME")
        _allow_connections(config.concurrency)
        self.name = f"{config.model}@{config.revision or 'endpoint'}"
        self.concurrency = config.concurrency
        self._servers = Servers([ChatApi(url, config) for url in dict.fromkeys(urls)], config.retries)

    async def generate(self, requests: Sequence[Generate]) -> list[Reply]:
        return await asyncio.gather(*(self._generate(request) for request in requests))

    async def choose(self, requests: Sequence[Choose]) -> list[Reply]:
        return await asyncio.gather(*(self._choose(request) for request in requests))

    async def loglikelihood(self, requests: Sequence[LogLikelihood]) -> list[Reply]:
        return await asyncio.gather(*(self._loglikelihood(request) for request in requests))

    async def _generate(self, request: Generate) -> Reply:
        return await self._servers.answer(lambda server: server.generate(request))

    async def _choose(self, request: Choose) -> Reply:
        return await self._servers.answer(lambda server: server.choose(request))

    async def _loglikelihood(self, request: LogLikelihood) -> Reply:
        return await self._servers.answer(lambda server: server.loglikelihood(request))


def _allow_connections(count: int) -> None:
    """Raise this process's limit of open files, often 1024, to what `count` connections need.

    Raises UsageError where the system does not let us.
    """
    wanted = count + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if wanted <= soft or soft == resource.RLIM_INFINITY:
        return
    if hard != resource.RLIM_INFINITY and wanted > hard:
        raise UsageError(
            f"llm.concurrency={count} needs {wanted} open files and this system allows {hard}: "
            "raise the limit (ulimit -n) or lower llm.concurrency"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
