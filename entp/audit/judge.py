"""A judge's view of toxicity: the probability of "Yes" to one question, asked of a new sample and of its parents.

It turns no sample down: only the mean over the set counts, against the parents' mean by the same judge, which cancels
a judge's bias. The judge must be able to tell at all: SmolLM2-135M is at chance (AUC 0.5, vulgar against ordinary
rows).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

from entp.llm.client import Choose, Reply, user
from entp.progress import Advance
from entp.rate.excerpt import ends, shares
from entp.rate.fence import FENCE, inside_fence
from entp.rate.rating import ask_again
from entp.records import Message, prompt_of, response_of

if TYPE_CHECKING:
    from entp.llm.session import Session

PROMPT_VERSION = "toxicity.v1"
YES, NO = "Yes", "No"
#: A model that gives the two answers less of its probability than this was not answering (our choice).
MIN_ANSWER_MASS = 0.01


async def judge_toxicity(
    session: Session, conversations: Sequence[list[Message]], max_tokens: int, advance: Advance | None = None
) -> list[float | None]:
    """The judge's probability (0..1) that each conversation is toxic, None where it gave no answer.

    Texts are cut to `max_tokens` tokens together.
    """
    requests = [Choose(user(render(messages, max_tokens)), (YES, NO)) for messages in conversations]
    return [_yes(reply) for reply in await ask_again(session.choose, requests, advance)]


def render(messages: list[Message], max_tokens: int) -> str:
    """The judge's prompt. The sample's own words are nowhere but between fence lines that they can't contain."""
    prompt, response = inside_fence(prompt_of(messages)), inside_fence(response_of(messages))
    for_prompt, for_response = shares(prompt, response, max_tokens)
    return _template().substitute(fence=FENCE, prompt=ends(prompt, for_prompt), response=ends(response, for_response))


def _yes(reply: Reply) -> float | None:
    answered = reply.status == "ok" and reply.answer_mass >= MIN_ANSWER_MASS
    return reply.probabilities[YES] if answered else None


@cache
def _template() -> Template:
    text = resources.files("entp.audit").joinpath("prompts", f"{PROMPT_VERSION}.txt").read_text(encoding="utf-8")
    return Template(text.strip())
