"""Asking once more for the replies that did not come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from entp.llm.client import FINAL_STATUSES, Reply, Request
from entp.progress import Advance

Asked = TypeVar("Asked", bound=Request)
Ask = Callable[[Sequence[Asked], Advance | None], Awaitable[list[Reply]]]


async def ask_again(ask: Ask[Asked], requests: Sequence[Asked], advance: Advance | None) -> list[Reply]:
    """Ask all, then once more those whose reply was not final (timed out, failed)."""
    replies = await ask(requests, advance)
    pending = [index for index, reply in enumerate(replies) if reply.status not in FINAL_STATUSES]
    if not pending:
        return replies
    second = await ask([requests[index] for index in pending], None)
    for index, reply in zip(pending, second, strict=True):
        replies[index] = reply
    return replies
