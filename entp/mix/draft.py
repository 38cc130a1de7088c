"""A finished candidate, whatever made it: what it is, how its loss is measured, and how it is rated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from entp.conversation import Message
from entp.mix import operators
from entp.mix.acceptance import verdict
from entp.mix.loss import Demand, Written, added, answer_loss, instruction_loss
from entp.mix.trace import Ratings
from entp.mix.work import Work
from entp.track.spans import Operator


@dataclass(frozen=True)
class Draft:
    """A new sample before it is accepted. `places` are those of the parents it is made of: 0, 1, or both."""

    instruction: Written
    answer: Written
    loss: float
    places: tuple[int, ...]

    @property
    def messages(self) -> list[Message]:
        """The new sample in the `messages` format."""
        return [
            Message(role="user", content=self.instruction.text),
            Message(role="assistant", content=self.answer.text),
        ]


def measured(
    work: Work, operator: Operator, instruction: Written, answer: Written, demand: Demand, places: Sequence[int]
) -> Draft:
    """The draft with its loss, by code alone; kept as a step, and as the whole curve where there is none yet."""
    weights = work.config.loss
    loss = added(
        instruction_loss(instruction, demand, None, weights),
        answer_loss(answer, instruction.text, demand, None, weights),
    )
    work.record(operator, work.count(operator) + 1, loss=loss)
    return Draft(instruction, answer, loss.total, tuple(places))


async def settle(work: Work, draft: Draft) -> str:
    """RATE the draft, and the parents if they are not yet; "accepted", or the reason why not."""
    await rate(work, draft)
    parents = tuple((work.ratings["parent_a"], work.ratings["parent_b"])[place] for place in draft.places)
    rating = work.ratings["fused" if len(draft.places) > 1 else "rewritten"]
    return verdict((draft.instruction, draft.answer), draft.loss, rating, parents, work.config.mix)


async def rate(work: Work, draft: Draft | None = None) -> None:
    """RATE: what of the draft and the parents is not rated yet, by one rater in one go. A draft needs words."""
    conversations = [] if work.parents_rated else [parent.messages for parent in work.pair.parents]
    complete = draft is not None and bool(draft.instruction.text and draft.answer.text)
    if complete and draft is not None:
        conversations.append(draft.messages)
    if not conversations:
        return
    values = await operators.rate(work, conversations)
    if not work.parents_rated:
        work.ratings["parent_a"], work.ratings["parent_b"], *values = values
        work.parents_rated = True
    if complete and draft is not None:
        work.ratings["fused" if len(draft.places) > 1 else "rewritten"] = values[0]
    work.record("RATE", work.count("RATE") + 1, text=shown(work.ratings))


def shown(ratings: Ratings) -> str:
    """The ratings in one line, for the story."""
    known = [f"{name.replace('_', ' ')} {value:.2f}" for name, value in ratings.items() if isinstance(value, float)]
    return ", ".join(known) or "no ratings"
