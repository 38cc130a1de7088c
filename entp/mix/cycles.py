"""The two cycles: merge and check until the instruction is right, answer and check until the answer is.

In each, the prompt optimiser turns the heaviest error of the last try into the template of the next. A try replaces
the best before it only if its symbolic loss is lower.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from entp.mix import operators, optimizer
from entp.mix.loss import Demand, SymbolicLoss, Written, answer_loss
from entp.mix.operators import Question
from entp.mix.work import Work

COVERAGE_TERMS = ("missing_terms_a", "missing_terms_b", "answer_misses_a", "answer_misses_b")


@dataclass(frozen=True)
class Try:
    """A text and its loss; `answer` came along with a merged instruction (`llm.structured=schema`)."""

    written: Written
    loss: SymbolicLoss
    answer: Written | None = None


@dataclass
class Cycle:
    """The tries so far, in order."""

    tries: list[Try] = field(default_factory=list)

    @property
    def best(self) -> Try:
        """The try of lowest loss, the earliest of equals."""
        return min(self.tries, key=lambda attempt: attempt.loss.total)

    @property
    def curve(self) -> list[float]:
        """The best loss after each try."""
        return list(accumulate((attempt.loss.total for attempt in self.tries), min))

    def add(self, attempt: Try) -> bool:
        """Keep a try; whether it is the best so far."""
        self.tries.append(attempt)
        return self.best is attempt


async def instruction_cycle(work: Work, demand: Demand, notes: str) -> Cycle:
    """MCG -> ICD -> next template, until nothing is wrong or K tries are used."""
    cycle = Cycle()
    template: str | None = optimizer.first_merge(work.pair.parents[0].language)
    terms: Sequence[str] = ()
    for iteration in range(1, work.config.mix.instruction_tries + 1):
        if template is None:
            break
        written, answer = await operators.merge(work, template, iteration, terms, notes)
        loss = await operators.check_instruction(work, written, demand)
        kept = cycle.add(Try(written, loss, answer))
        work.record("ICD", iteration, loss=loss, kept=kept)
        template, terms = optimizer.next_merge(loss), terms_to_name(loss, demand.topic_terms)
    return cycle


async def answer_cycle(work: Work, demand: Demand, question: Question, first: Written | None) -> Cycle:
    """First answer (if it did not come with the instruction) -> FAC -> FAU, until it passes or K tries are used.

    An instruction without words is not answered: its answer counts as empty.
    """
    if not question.instruction:
        return Cycle([Try(Written(""), answer_loss(Written(""), "", demand, None, 0.0))])
    cycle = Cycle()
    written = first or await operators.write_answer(
        work, "MCG", optimizer.first_answer(work.pair.parents[0].language), 1, question
    )
    for iteration in range(1, work.config.mix.answer_tries + 1):
        if iteration > 1:
            template = optimizer.next_answer(cycle.tries[-1].loss)
            if template is None:
                break
            terms = terms_to_name(cycle.tries[-1].loss, demand.answer_terms)
            written = await operators.write_answer(work, "FAU", template, iteration, question, terms)
        loss = await operators.check_answer(work, written, question.instruction, demand)
        kept = cycle.add(Try(written, loss))
        work.record("FAC", iteration, loss=loss, kept=kept)
    return cycle


def terms_to_name(loss: SymbolicLoss, wanted: Sequence[Sequence[str]]) -> list[str]:
    """The words the next prompt names: those behind the heaviest error; all missing ones where it is coverage.

    An error without words of its own (a judge's doubt, a copy) is answered by naming the parents' first terms.
    """
    heaviest = loss.heaviest
    if heaviest and heaviest not in COVERAGE_TERMS and heaviest in loss.offending:
        return loss.offending[heaviest]
    missing = [term for name in COVERAGE_TERMS for term in loss.offending.get(name, [])]
    return missing or [term for terms in wanted for term in terms[:2]]
