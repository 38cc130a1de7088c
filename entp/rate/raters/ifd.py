"""Rater `ifd`: how much there is to learn from the response (instruction-following difficulty).

IFD = loss of the response after its prompt / loss of the response by itself, both per token ("From Quantity to
Quality", arXiv 2308.12032, section 2.3). Near 1 the prompt hardly helps, so the model has the instruction still to
learn; above 1 it misleads, and that paper takes the sample for misaligned and drops it.
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
    """Each conversation's IFD, and 1 - IFD (0 or less) where it is 1 or more; two requests each."""
    return await rate_by_help(difficulty, model, conversations, config, advance)


def difficulty(informed: Odds, alone: Odds) -> float:
    """IFD below 1; a misaligned sample comes below all others, the worse the lower (our choice).

    NaN where the model is certain of the response without its prompt.
    """
    if alone.per_token == 0:
        return float("nan")
    ratio = informed.per_token / alone.per_token
    return ratio if ratio < 1 else 1 - ratio
