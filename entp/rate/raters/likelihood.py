"""Rater `likelihood`: how much the prompt helps the model to predict the response (pointwise mutual information).

Value = log p(response | prompt) - log p(response), in nats: the information that the two share. An answer to another
question, garbled text and a repeated stock phrase gain little from their prompt.
"""

from __future__ import annotations

from collections.abc import Sequence

from entp.config import RateConfig
from entp.conversation import Message
from entp.llm.client import SupportsLogLikelihood
from entp.progress import Advance
from entp.rate.rating import RawRating
from entp.rate.response_odds import Odds, rate_by_help


async def raw_values(
    model: SupportsLogLikelihood,
    conversations: Sequence[Sequence[Message]],
    config: RateConfig,
    advance: Advance | None,
) -> list[RawRating]:
    """Nats that the prompt adds to the log-likelihood of each conversation's last answer; two requests each."""
    return await rate_by_help(mutual_information, model, conversations, config, advance)


def mutual_information(informed: Odds, alone: Odds) -> float:
    """Of the whole response, so a long answer that stays with its prompt is worth more than a short one."""
    return informed.logprob - alone.logprob
