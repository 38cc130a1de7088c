"""Rival: rewrite the better parent, one into one. It is also ENTP's way out of a fusion that failed."""

from __future__ import annotations

from entp.mix import operators, optimizer
from entp.mix.acceptance import better_parent
from entp.mix.cycles import write_answer
from entp.mix.demand import demand_of
from entp.mix.draft import Draft, measured, rate
from entp.mix.loss import Written
from entp.mix.operators import Question
from entp.mix.work import Work
from entp.text.key_terms import Corpus


async def draft(work: Work, corpus: Corpus) -> Draft:
    await rate(work)
    written = await rewritten(work, corpus, better_parent(work.ratings) or 0)
    work.curve.append(written.loss)
    return written


async def rewritten(work: Work, corpus: Corpus, place: int) -> Draft:
    """REWRITE: the parent's instruction again, and a new answer from its old one and any direct one."""
    parent = work.pair.parents[place]
    direct = work.directs[place] if work.directs else Written("")
    instruction = await operators.rewrite(work, parent)
    work.record("REWRITE", 1, text=instruction.text, template="rewrite")
    notes = operators.notes_from([parent], [direct])
    question = Question(instruction.text, notes, operators.language_of([parent]))
    answer = await write_answer(work, "REWRITE", optimizer.FIRST_ANSWER, 2, question)
    demand = demand_of([parent], [direct], corpus, work.config.mix)
    return measured(work, "REWRITE", instruction, answer, demand, (place,))
