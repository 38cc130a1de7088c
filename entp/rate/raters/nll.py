"""Rater `nll`: how well the model predicts the response after its prompt (conditional negative log-likelihood).

Value = log p(response | prompt) / tokens, in nats per token: the negative log-likelihood with its sign turned, so that
higher is better. Garbled text scores low; so does whatever is unusual, good or bad.
"""

from __future__ import annotations

from collections.abc import Sequence

from entp.config import RateConfig
from entp.conversation import Message
from entp.llm.client import SupportsLogLikelihood
from entp.progress import Advance
from entp.rate.rating import RawRating
from entp.rate.response_odds import Odds, rate_by_fit


async def raw_values(
    model: SupportsLogLikelihood,
    conversations: Sequence[Sequence[Message]],
    config: RateConfig,
    advance: Advance | None,
) -> list[RawRating]:
    """Mean log-likelihood per token of each conversation's last answer; one request each."""
    return await rate_by_fit(predictability, model, conversations, config, advance)


def predictability(informed: Odds) -> float:
    return informed.per_token
