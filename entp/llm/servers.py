"""Servers of one model that share the load: which of them gets a request, and what happens when it fails there.

A request goes to the server with the fewest in flight. A fault is tried again after a growing, jittered pause, on
another server if there is one. A server that loses several requests in a row is set aside; when its time is over one
request tries it, and if that is lost too it is set aside for longer. The run ends only when no server is left: each
refuses whatever it is asked, or has been tried in vain more than `llm.retries` times. Whatever is chosen by chance
here decides when and where a request is made, never what it asks.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from rich.markup import escape
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exception, wait_random_exponential

from entp.errors import SetupError
from entp.llm.chat_api import ChatApi
from entp.llm.client import Reply
from entp.llm.faults import Fault, Refusal
from entp.progress import console

#: Requests lost in a row that mean a server is gone.
LOST_IN_A_ROW = 5
#: How long it is set aside (seconds): at first, and at most. It doubles in between.
ASIDE_SECONDS, LONGEST_ASIDE = 2.0, 60.0
#: The longest pause before the first further try (seconds), and before any. It doubles in between.
PAUSE_SECONDS, LONGEST_PAUSE = 0.5, 30.0
#: The longest that a server may have us wait by Retry-After.
LONGEST_WAIT = 60.0
#: How often the first in line looks whether a server is back.
LOOK_SECONDS = 0.05


@dataclass(eq=False)
class Server:
    """A server and how it has behaved. Times are those of `time.monotonic`."""

    api: ChatApi
    in_flight: int = 0
    lost: int = 0  # requests in a row
    setbacks: int = 0  # times in a row that it was set aside
    news_at: float = 0.0  # when it last answered, or was set aside
    back_at: float = 0.0
    on_trial: bool = False
    refuses: bool = False
    trouble: str = ""

    def takes_requests(self) -> bool:
        """Whether it may be asked; after it was set aside, by one request at a time."""
        return not self.refuses and not self.on_trial and time.monotonic() >= self.back_at

    @contextmanager
    def busy(self) -> Iterator[None]:
        """While a request is there."""
        trial = self.setbacks > 0
        self.in_flight += 1
        self.on_trial = self.on_trial or trial
        try:
            yield
        finally:
            self.in_flight -= 1
            self.on_trial = self.on_trial and not trial

    def is_there(self) -> None:
        """It has said something, if only that it can't."""
        self.news_at = time.monotonic()
        self.lost = self.setbacks = 0
        self.back_at = 0.0
        self.on_trial = False

    def failed(self, fault: Fault, asked_at: float) -> None:
        """Count a fault; set the server aside where it seems to be gone."""
        if not fault.lost:
            self.is_there()
            return
        if asked_at <= self.news_at:
            return  # it has answered others since, or this was in flight when it was set aside
        self.lost += 1
        self.trouble = str(fault)
        if self.setbacks or self.lost >= LOST_IN_A_ROW:
            self.set_aside()

    def set_aside(self) -> None:
        self.lost = 0
        self.setbacks += 1
        self.news_at = time.monotonic()
        longest = min(LONGEST_ASIDE, ASIDE_SECONDS * 2 ** (self.setbacks - 1))
        self.back_at = self.news_at + random.uniform(0.5, 1.0) * longest


class Servers:
    """The servers at `llm.endpoint`. They may be used from one event loop after another, in one thread."""

    def __init__(self, apis: Sequence[ChatApi], retries: int) -> None:
        self._servers = [Server(api) for api in apis]
        self._retries = retries
        self._greeted = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._line = asyncio.Lock()

    async def answer(self, ask: Callable[[ChatApi], Awaitable[Reply]]) -> Reply:
        """The reply, or what the last of 1 + `llm.retries` tries came to. Raises SetupError where no server is left."""
        await self._greet_once()
        tries, failed_at = 1 + self._retries, set[Server]()
        try:
            return await _patiently(tries)(self._try, ask, failed_at)
        except Fault as fault:
            return replace(fault.reply, error=f"{fault.reply.error} ({_times(tries)})")

    async def _try(self, ask: Callable[[ChatApi], Awaitable[Reply]], failed_at: set[Server]) -> Reply:
        """The reply of a server that does not refuse. Raises Fault, and adds the server to those where it failed."""
        while True:
            server = await self._pick(failed_at)
            asked_at = time.monotonic()
            try:
                with server.busy():
                    reply = await ask(server.api)
            except Refusal as refusal:
                self._refused(server, refusal)
            except Fault as fault:
                self._failed(server, fault, asked_at)
                failed_at.add(server)
                raise
            else:
                server.is_there()
                return reply

    async def _pick(self, failed_at: Collection[Server]) -> Server:
        """The least busy server that takes requests, rather one where this request has not failed yet.

        While there is none, requests wait in line, and the first one takes the first server to come back.
        """
        server = self._least_busy(failed_at)
        if server is not None:
            return server
        async with self._in_line():
            while (server := self._least_busy(failed_at)) is None:
                self._stop_if_none_is_left()
                await asyncio.sleep(LOOK_SECONDS)
            return server

    def _least_busy(self, failed_at: Collection[Server]) -> Server | None:
        ready = [server for server in self._servers if server.takes_requests()]
        return min(ready, key=lambda server: (server in failed_at, server.in_flight), default=None)

    def _failed(self, server: Server, fault: Fault, asked_at: float) -> None:
        setbacks = server.setbacks
        server.failed(fault, asked_at)
        if server.setbacks > setbacks:
            self._stop_if_none_is_left()
            if server.setbacks == 1:
                _warn(f"{server.api.url} is set aside for a while", server.trouble)

    def _refused(self, server: Server, refusal: Refusal) -> None:
        if server.refuses:
            return
        server.refuses = True
        server.trouble = str(refusal)
        self._stop_if_none_is_left()
        _warn("going on without one server", server.trouble)

    def _stop_if_none_is_left(self) -> None:
        if any(not server.refuses and server.setbacks <= self._retries for server in self._servers):
            return
        raise self._none_left()

    def _none_left(self) -> SetupError:
        """What is wrong with every server, and what to do."""
        down = [server for server in self._servers if not server.refuses]
        reasons = [server.trouble for server in self._servers if server.refuses]
        reasons += [f"no answer from the endpoint {server.api.url} ({server.trouble})" for server in down]
        remedy = "; start the server or correct llm.endpoint, and run again: finished requests are kept"
        return SetupError("; ".join(reasons) + (remedy if down else ""))

    async def _greet_once(self) -> None:
        """Before the first request: who is there? One server that is not is a warning where another is."""
        if self._greeted:
            return
        async with self._in_line():
            if not self._greeted:
                await asyncio.gather(*(self._greet(server) for server in self._servers))
                if all(server.refuses or server.setbacks for server in self._servers):
                    raise self._none_left()
                self._greeted = True

    async def _greet(self, server: Server) -> None:
        """Two tries, so that one lost connection does not count."""
        try:
            await _patiently(2)(server.api.greet)
        except Fault as fault:
            server.trouble = str(fault)
            server.set_aside()
            if len(self._servers) > 1:
                _warn(f"no answer from {server.api.url}", server.trouble)
        except Refusal as refusal:
            server.trouble = str(refusal)
            server.refuses = True

    def _in_line(self) -> asyncio.Lock:
        """The lock of the running event loop."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            self._line = asyncio.Lock()
        return self._line


def _patiently(tries: int) -> AsyncRetrying:
    """Calls again after a Fault, when the time is over that the server asks for, and a random one that grows."""
    return AsyncRetrying(
        sleep=asyncio.sleep,
        retry=retry_if_exception_type(Fault),
        stop=stop_after_attempt(tries),
        wait=wait_exception(_asked_to_wait) + wait_random_exponential(PAUSE_SECONDS, LONGEST_PAUSE),
        reraise=True,
    )


def _asked_to_wait(fault: BaseException) -> float:
    return min(fault.wait, LONGEST_WAIT) if isinstance(fault, Fault) else 0.0


def _times(tries: int) -> str:
    return "1 try" if tries == 1 else f"after {tries} tries"


def _warn(what: str, why: str) -> None:
    console.print(f"  [yellow]{escape(what)}[/]: {escape(why)}", highlight=False)
