"""Rival: Evol-Instruct (WizardLM, arXiv 2304.12244): the better parent is made harder, or a new one like it is made.

The operation is drawn by the pair's seed, the four in-depth ones and the in-breadth one with equal chances (there is
a fifth in-depth operation, on code and tables in the input, that has no place here). Words of the prompts are ours.
"""

from __future__ import annotations

from entp.judge.fence import fenced
from entp.mix import operators
from entp.mix.acceptance import better_parent
from entp.mix.demand import demand_of, without_content
from entp.mix.draft import Draft, measured, rate
from entp.mix.loss import Written
from entp.mix.work import Work
from entp.text.key_terms import Corpus

IN_DEPTH = ("evolve_constraint", "evolve_deepen", "evolve_concrete", "evolve_reasoning")
IN_BREADTH = "evolve_breadth"
OPERATIONS = (*IN_DEPTH, IN_BREADTH)


async def draft(work: Work, corpus: Corpus) -> Draft:
    await rate(work)
    place = better_parent(work.ratings) or 0
    parent = work.pair.parents[place]
    operation = OPERATIONS[work.seed("EVOLVE") % len(OPERATIONS)]
    shown = {"task": fenced("task", parent.prompt), "language": operators.language_of([parent])}
    instruction = await operators.write_text(work, "EVOLVE", operation, 1, shown)
    work.record("EVOLVE", 1, text=instruction.text, template=operation)
    answer = await operators.answer_alone(work, "EVOLVE", instruction.text, 2)
    work.record("EVOLVE", 2, text=answer.text, template="direct_answer")
    demand = demand_of([parent], [Written("")], corpus, work.config.mix)
    wanted = demand if operation in IN_DEPTH else without_content(demand)
    version = measured(work, "FAC", instruction, answer, wanted, (place,))
    work.curve.append(version.loss)
    return version
