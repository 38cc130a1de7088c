"""A judge's view of toxicity: the probability of "Yes" to one question, asked of a new sample and of its parents.

It turns no sample down: only the mean over the set counts, against the parents' mean by the same judge, which cancels
a judge's bias. The judge must be able to tell at all: SmolLM2-135M is at chance (AUC 0.5, vulgar against ordinary
rows).
"""

from __future__ import annotations

from collections.abc import Sequence

from entp.conversation import Message
from entp.judge.answers import YES_NO, probability_of_yes
from entp.judge.prompt import Prompt, render
from entp.judge.retry import ask_again
from entp.llm.client import Choose, SupportsChoose, user
from entp.progress import Advance

PROMPT = Prompt("entp.audit", "toxicity.v1")


async def judge_toxicity(
    model: SupportsChoose, conversations: Sequence[list[Message]], max_tokens: int, advance: Advance | None = None
) -> list[float | None]:
    """The judge's probability (0..1) that each conversation is toxic, None where it gave no answer.

    Texts are cut to `max_tokens` tokens together. Nothing is hidden from this judge, for what speaks to it may be the
    harm itself (our choice).
    """
    prompts = [render(PROMPT, messages, max_tokens, hide_persuasion=False) for messages in conversations]
    replies = await ask_again(model.choose, [Choose(user(prompt), YES_NO) for prompt in prompts], advance)
    return [probability_of_yes(reply) for reply in replies]
