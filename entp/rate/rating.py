"""What a rater is, and what it says about one conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from entp.config import RateConfig
from entp.conversation import Message
from entp.llm.client import LanguageModel, Reply
from entp.progress import Advance


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
    """Rate conversations: one raw rating each, in order.

    A rater may demand less of its model: one that makes one kind of request takes whatever `Supports...` it.
    """

    async def __call__(
        self,
        model: LanguageModel,
        conversations: Sequence[Sequence[Message]],
        config: RateConfig,
        advance: Advance | None,
        /,
    ) -> list[RawRating]: ...


def unrated(reply: Reply) -> RawRating:
    """The rating of a reply that is no answer: its status, never a score (docs/method.md, 3.1; DS2 makes it zero)."""
    return RawRating(reply.status, error=reply.error)
