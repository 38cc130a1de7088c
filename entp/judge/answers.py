"""What a reply of probabilities says: whether it is an answer, how likely Yes is, which digit is expected."""

from __future__ import annotations

import math
from collections.abc import Mapping

from entp.llm.client import Reply

YES_NO = YES, NO = ("Yes", "No")
#: A model that gives the answers offered less of its probability than this was not answering (our choice).
MIN_ANSWER_MASS = 0.01
#: An answer of no probability at all would have infinite odds.
SMALLEST = 1e-9


def is_answer(reply: Reply) -> bool:
    """Whether the model leaned to the answers offered at all."""
    return reply.status == "ok" and reply.answer_mass >= MIN_ANSWER_MASS


def probability_of_yes(reply: Reply) -> float | None:
    """Of "Yes" rather than "No" (0..1); None where the model was not answering."""
    return reply.probabilities[YES] if is_answer(reply) else None


def log_odds(reply: Reply) -> float | None:
    """Of "Yes" against "No", in nats; None where the model was not answering."""
    if not is_answer(reply):
        return None
    yes, no = (max(reply.probabilities[answer], SMALLEST) for answer in YES_NO)
    return math.log(yes / no)


def moments(probabilities: Mapping[str, float]) -> tuple[float, float]:
    """Mean and standard deviation of a distribution over digits."""
    mean = sum(share * int(digit) for digit, share in probabilities.items())
    variance = sum(share * (int(digit) - mean) ** 2 for digit, share in probabilities.items())
    return mean, math.sqrt(variance)
