"""The raters, by name; what `rate` runs over the pool and `mix` over a fused pair and its parents.

A new rater is one module with one function (see `entp.rate.rating.Rater`), one row here, and its name in
`entp.config.RaterName`. The rater `combined` is no row: it is computed from the others' scores (`entp.rate.combined`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from entp.config import RateConfig
from entp.conversation import Message
from entp.llm.client import LanguageModel
from entp.progress import Advance
from entp.rate.raters import ifd, judge, judge_generated, likelihood, nll
from entp.rate.rating import Rater, RawRating

__all__ = ["RATERS", "RawRating", "rate_raw"]


class Row(NamedTuple):
    """A rater. `scale`: its values are scores 0..5, or only their order means something. `prompt`: version in use."""

    rate: Rater
    scale: Literal["score", "order"]
    prompt: str | None = None


RATERS: dict[str, Row] = {
    "likelihood": Row(likelihood.raw_values, "order"),
    "nll": Row(nll.raw_values, "order"),
    "ifd": Row(ifd.raw_values, "order"),
    "judge": Row(judge.raw_values, "score", judge.PROMPT.version),
    "judge_generated": Row(judge_generated.raw_values, "score", judge_generated.PROMPT.version),
}


async def rate_raw(
    rater: str,
    model: LanguageModel,
    conversations: Sequence[Sequence[Message]],
    config: RateConfig,
    advance: Advance | None = None,
) -> list[RawRating]:
    """One raw rating per conversation, in order.

    Values of one rater and one model are comparable with each other, and with nothing else.
    """
    return await RATERS[rater].rate(model, conversations, config, advance)
