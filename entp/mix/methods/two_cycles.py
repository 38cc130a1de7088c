"""ENTP: direct answers, then the instruction cycle, then the answer cycle (docs/method.md, stage 6).

What the loss curve means. A pair makes candidates: merged instructions first, then answers to the best of them. Each
part has its own symbolic loss, and a candidate replaces the best of its part only if its loss is lower. The loss of
the pair is the sum of both parts. `loss_first` is that of the first complete candidate: the first merged instruction's
loss plus the first answer's. The n-th entry of the curve is the best sum after the n-th candidate (while instructions
are still being tried, with the first answer's loss, which is only known once they are done), and `loss_last` is its
last entry. So the curve never rises, unless `mix.symbolic_loss=false` lets the judge alone choose the best.
`iterations` is its length: the instructions tried, and the answers after the first. A rewrite has a loss of its own,
in its steps; it leaves the curve alone.
"""

from __future__ import annotations

from entp.mix import operators
from entp.mix.cycles import answer_cycle, instruction_cycle
from entp.mix.demand import demand_of
from entp.mix.draft import Draft
from entp.mix.operators import Question
from entp.mix.work import Work
from entp.text.key_terms import Corpus


async def draft(work: Work, corpus: Corpus) -> Draft:
    """The draft of a pair by ENTP's own method."""
    parents = work.pair.parents
    work.directs = await operators.direct_answers(work)
    for place, direct in enumerate(work.directs, start=1):
        work.record("DA", place, text=direct.text, template="direct_answer")
    demand = demand_of(parents, work.directs, corpus, work.config.mix)
    notes = operators.notes_from(parents, work.directs)

    merged = await instruction_cycle(work, demand, notes)
    instruction = merged.best.written
    question = Question(instruction.text, notes, operators.language_of(parents))
    answered = await answer_cycle(work, demand, question, merged.best.answer)
    work.curve = [round(loss + answered.curve[0], 6) for loss in merged.curve]
    work.curve += [round(merged.curve[-1] + loss, 6) for loss in answered.curve[1:]]
    return Draft(instruction, answered.best.written, work.curve[-1], (0, 1))
