"""The two cycles: merge and check until the instruction is right, answer and check until the answer is.

In each, the prompt optimiser turns the heaviest error of the last try into the template of the next, until the loss
is small enough (`mix.good_enough`). A try replaces the best before it only if its symbolic loss is lower. The settings
that switch a part off (`mix.instruction_cycle`, `mix.answer_cycle`, `mix.symbolic_loss`, `mix.prompt_switching`) act
here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from entp.mix import operators, optimizer
from entp.mix.loss import Demand, SymbolicLoss, Written, answer_loss
from entp.mix.operators import Question
from entp.mix.work import Work
from entp.track.spans import Operator

COVERAGE_TERMS = ("missing_terms_a", "missing_terms_b", "answer_misses_a", "answer_misses_b")


@dataclass(frozen=True)
class Try:
    """A text, its loss, and the part of the loss that steers; `answer` came along with a merged instruction
    (`llm.structured=schema`)."""

    written: Written
    loss: SymbolicLoss
    steering: SymbolicLoss
    answer: Written | None = None


@dataclass
class Cycle:
    """The tries so far, in order."""

    tries: list[Try] = field(default_factory=list)

    @property
    def best(self) -> Try:
        """The try of lowest steering loss, the earliest of equals."""
        return _better(self.tries)

    @property
    def curve(self) -> list[float]:
        """The loss of the best try so far, after each try."""
        return [_better(self.tries[:count]).loss.total for count in range(1, len(self.tries) + 1)]

    def add(self, attempt: Try) -> bool:
        """Keep a try; whether it is the best so far."""
        self.tries.append(attempt)
        return self.best is attempt


async def instruction_cycle(work: Work, demand: Demand, notes: str) -> Cycle:
    """MCG -> ICD -> next template, until a try is good enough or K tries are used."""
    settings = work.config.mix
    cycle = Cycle()
    template: str | None = optimizer.first_merge(work.pair.parents[0].language)
    terms: Sequence[str] = ()
    for iteration in range(1, settings.instruction_tries + 1 if settings.instruction_cycle else 2):
        if template is None:
            break
        written, answer = await operators.merge(work, template, iteration, terms, notes)
        work.record("MCG", iteration, text=written.text, template=template)
        loss = await operators.check_instruction(work, written, demand)
        steering = loss if settings.symbolic_loss else loss.judged
        kept = cycle.add(Try(written, loss, steering, answer))
        work.record("ICD", iteration, loss=loss, kept=kept)
        following = optimizer.next_template(steering, settings.good_enough)
        if settings.prompt_switching or following is None:
            template, terms = following, terms_to_name(steering, demand.topic_terms)
    return cycle


async def answer_cycle(work: Work, demand: Demand, question: Question, first: Written | None) -> Cycle:
    """First answer (unless the instruction brought it) -> FAC -> FAU, until one is good enough or K tries are used.

    An instruction without words is not answered: its answer counts as empty.
    """
    if not question.instruction:
        loss = answer_loss(Written(""), "", demand, None, work.config.loss)
        return Cycle([Try(Written(""), loss, loss)])
    settings = work.config.mix
    cycle = Cycle()
    written = first or await write_answer(work, "MCG", optimizer.FIRST_ANSWER, 1, question)
    for iteration in range(1, settings.answer_tries + 1 if settings.answer_cycle else 2):
        if iteration > 1:
            steering = cycle.tries[-1].steering
            template = optimizer.next_template(steering, settings.good_enough)
            if template is None:
                break
            terms = terms_to_name(steering, demand.answer_terms)
            if not settings.prompt_switching:
                template, terms = optimizer.FIRST_ANSWER, []
            written = await write_answer(work, "FAU", template, iteration, question, terms)
        loss = await operators.check_answer(work, written, question.instruction, demand)
        kept = cycle.add(Try(written, loss, loss if settings.symbolic_loss else loss.judged))
        work.record("FAC", iteration, loss=loss, kept=kept)
    return cycle


async def write_answer(
    work: Work, operator: Operator, template: str, iteration: int, question: Question, terms: Sequence[str] = ()
) -> Written:
    """An answer by `operators.write_answer`, kept as a step."""
    answer = await operators.write_answer(work, operator, template, iteration, question, terms)
    work.record(operator, iteration, text=answer.text, template=template)
    return answer


def _better(tries: Sequence[Try]) -> Try:
    return min(tries, key=lambda attempt: attempt.steering.total)


def terms_to_name(loss: SymbolicLoss, wanted: Sequence[Sequence[str]]) -> list[str]:
    """The words the next prompt names: those behind the heaviest error; all missing ones where it is coverage.

    An error without words of its own (a judge's doubt, a copy) is answered by naming the parents' first terms.
    """
    heaviest = loss.heaviest
    if heaviest and heaviest not in COVERAGE_TERMS and heaviest in loss.offending:
        return loss.offending[heaviest]
    missing = [term for name in COVERAGE_TERMS for term in loss.offending.get(name, [])]
    return missing or [term for terms in wanted for term in terms[:2]]
