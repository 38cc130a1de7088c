"""Rival: merge once, answer once, no check (after MergeIT, arXiv 2503.00034, which merges similar instructions)."""

from __future__ import annotations

from entp.mix import operators, optimizer
from entp.mix.cycles import write_answer
from entp.mix.demand import demand_of
from entp.mix.draft import Draft, measured
from entp.mix.loss import Written
from entp.mix.operators import Question
from entp.mix.work import Work
from entp.text.key_terms import Corpus


async def draft(work: Work, corpus: Corpus) -> Draft:
    instruction, answer = await merged_once(work)
    return measured_merge(work, corpus, instruction, answer)


async def merged_once(work: Work) -> tuple[Written, Written]:
    """The first template's merged instruction, and its answer from both parents' answers."""
    parents = work.pair.parents
    language = parents[0].language
    notes = operators.notes_from(parents, [Written("")] * 2)
    template = optimizer.first_merge(language)
    instruction, answer = await operators.merge(work, template, 1, (), notes)
    work.record("MCG", 1, text=instruction.text, template=template)
    if answer is None:
        question = Question(instruction.text, notes, operators.language_of(parents))
        answer = await write_answer(work, "MCG", optimizer.FIRST_ANSWER, 1, question)
    return instruction, answer


def measured_merge(work: Work, corpus: Corpus, instruction: Written, answer: Written) -> Draft:
    """A draft of both parents, measured by all that they demand; the next point of the curve."""
    demand = demand_of(work.pair.parents, [Written("")] * 2, corpus, work.config.mix)
    draft = measured(work, "FAC", instruction, answer, demand, (0, 1))
    work.curve.append(draft.loss)
    return draft
