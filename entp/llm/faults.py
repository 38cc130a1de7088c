"""What goes wrong between us and a model server, sorted by what is to be done about it.

A *fault* of the infrastructure may be gone at the next try. A *refusal* would meet every request alike. What is left
(a bad request, a reply cut at its limit, a model that will not) is an answer: asking again would give the same.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable
from email.utils import parsedate_to_datetime

import openai

from entp.config import LLMConfig
from entp.errors import one_line
from entp.llm.client import Reply

#: 408 and 409 are what proxies say of a request that they could not hold or place.
TRY_AGAIN = (408, 409, 429)
#: Said by a gateway in front of a server that is gone.
NOBODY_THERE = (502, 503, 504)


class Fault(Exception):  # noqa: N818  (it is a fact about the outside, not an error of ours)
    """The infrastructure failed a request; the same request may well succeed at the next try.

    `reply` is what the request comes to where no try is left. `wait` is how long the server asks us to wait (seconds).
    A `lost` request is a sign that the server is gone; any other fault shows that it is there.
    """

    def __init__(self, reply: Reply, *, wait: float = 0.0, lost: bool = False) -> None:
        super().__init__(reply.error)
        self.reply = reply
        self.wait = wait
        self.lost = lost


class Refusal(Exception):  # noqa: N818
    """This server would treat every request like this one; the message says why, and what to mend."""


async def sorted_out(work: Awaitable[Reply], url: str, config: LLMConfig) -> Reply:
    """What the server at `url` answers within `llm.timeout_seconds`. Raises Fault or Refusal."""
    try:
        async with asyncio.timeout(config.timeout_seconds):
            return await work
    except TimeoutError as error:
        reply = Reply("timed_out", error=f"no reply within {config.timeout_seconds:g} s")
        raise Fault(reply, lost=True) from error
    except openai.APIConnectionError as error:
        reply = Reply("failed", error=f"connection lost: {one_line(error.__cause__ or error)}")
        raise Fault(reply, lost=True) from error
    except openai.APIStatusError as error:
        return _by_status(error, url, config)
    except (openai.OpenAIError, ValueError, LookupError, TypeError, AttributeError) as error:
        reply = Reply("failed", error=f"malformed answer from the server: {one_line(error)}")
        raise Fault(reply) from error


def _by_status(error: openai.APIStatusError, url: str, config: LLMConfig) -> Reply:
    status = error.status_code
    reply = Reply("failed", error=f"HTTP {status}: {one_line(error)}")
    reason = _hopeless(error, config)
    if reason is not None:
        raise Refusal(f"{url}: {reason}") from error
    if status in TRY_AGAIN or status >= 500:
        raise Fault(reply, wait=_asked_to_wait(error), lost=status in NOBODY_THERE) from error
    return reply


def _hopeless(error: openai.APIStatusError, config: LLMConfig) -> str | None:
    """Why no request will ever succeed there, or None."""
    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        found = "is refused" if os.environ.get(config.api_key_env) else "is not set"
        return f"not allowed in; the key in the environment variable {config.api_key_env} {found}"
    if isinstance(error, openai.NotFoundError):
        return (
            f"no model {config.model!r} there ({one_line(error)}); check llm.model, and that llm.endpoint ends where "
            "`/chat/completions` begins (the address with `/models` after it lists the models)"
        )
    if isinstance(error, openai.RateLimitError) and error.code == "insufficient_quota":
        return "the account has no quota left; top it up and run again, it will go on"
    return None


def _asked_to_wait(error: openai.APIStatusError) -> float:
    """Seconds by the header Retry-After, which holds seconds or a date; 0 without one."""
    asked = error.response.headers.get("retry-after", "")
    try:
        return max(0.0, float(asked))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(asked).timestamp() - time.time())
    except ValueError:
        return 0.0
