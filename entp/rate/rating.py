"""What a rater is, and what it says about one conversation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from entp.config import RateConfig
from entp.llm.client import FINAL_STATUSES, Reply, Request
from entp.progress import Advance
from entp.records import Message

if TYPE_CHECKING:
    from entp.llm.session import Session

Asked = TypeVar("Asked", bound=Request)
Ask = Callable[[Sequence[Asked], Advance | None], Awaitable[list[Reply]]]


@dataclass(frozen=True)
class RawRating:
    """One rater's opinion on the rater's own scale; higher is better.

    `value` is null unless `status` is "rated" (see RATING_STATUSES); `spread` is the standard deviation of the
    rater's distribution, on the same scale, null where it has none. `cut` says that only a part of the
    conversation was short enough to be read, `hidden` that sentences which speak to the judge were kept from it.
    `error` is the cause of any other status. `criteria` are further numbers that the rater gave (RATING_CRITERIA).
    """

    status: str
    value: float | None = None
    spread: float | None = None
    cut: bool = False
    error: str = ""
    hidden: bool = False
    criteria: Mapping[str, int] = field(default_factory=dict)


class Rater(Protocol):
    """Rate conversations: one raw rating each, in order."""

    async def __call__(
        self,
        session: Session,
        conversations: Sequence[Sequence[Message]],
        config: RateConfig,
        advance: Advance | None,
    ) -> list[RawRating]: ...


def unrated(reply: Reply) -> RawRating:
    """The rating of a reply that is no answer: its status, and never a score (METHOD: DS2 makes it a zero)."""
    return RawRating(reply.status, error=reply.error)


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
