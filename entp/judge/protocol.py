"""What must be able to answer: a `Session`, or whatever stands between one and those who ask.

Each protocol is one call. It takes requests and what to call as they finish, and gives a reply per request, in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from entp.llm.client import Choose, Generate, LogLikelihood, Reply
from entp.progress import Advance


class SupportsGenerate(Protocol):
    """Writes replies."""

    async def generate(self, requests: Sequence[Generate], advance: Advance | None, /) -> list[Reply]: ...


class SupportsChoose(Protocol):
    """Says how likely each of a few answers is."""

    async def choose(self, requests: Sequence[Choose], advance: Advance | None, /) -> list[Reply]: ...


class SupportsLogLikelihood(Protocol):
    """Says how likely a text is."""

    async def loglikelihood(self, requests: Sequence[LogLikelihood], advance: Advance | None, /) -> list[Reply]: ...


class LanguageModel(SupportsGenerate, SupportsChoose, SupportsLogLikelihood, Protocol):
    """Answers every kind of request."""
