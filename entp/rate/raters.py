"""The raters, by name; what `rate` runs over the pool and `mix` over a fused pair and its parents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from entp.config import RateConfig
from entp.progress import Advance
from entp.rate import judge, likelihood
from entp.rate.rating import Rater, RawRating
from entp.records import Message

if TYPE_CHECKING:
    from entp.llm.session import Session

__all__ = ["RATERS", "RawRating", "rate_raw"]

RATERS: dict[str, Rater] = {"likelihood": likelihood.raw_values, "judge": judge.raw_values}


async def rate_raw(
    rater: str,
    session: Session,
    conversations: Sequence[Sequence[Message]],
    config: RateConfig,
    advance: Advance | None = None,
) -> list[RawRating]:
    """One raw rating per conversation, in order.

    Values of one rater and one model are comparable with each other, and with nothing else: the judge's are
    expected scores 0..5, the likelihood's the nats that the prompt adds to the response's log-likelihood.
    """
    return await RATERS[rater](session, conversations, config, advance)
