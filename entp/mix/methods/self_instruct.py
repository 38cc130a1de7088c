"""Rival: Self-Instruct (arXiv 2212.10560): both parents are examples, the model invents a further task of their kind.

Its answer is the model's own. Nothing of the parents' content is demanded of it; like there, what resembles an
example too much costs (`copies_parent`).
"""

from __future__ import annotations

from entp.mix import operators
from entp.mix.demand import demand_of, without_content
from entp.mix.draft import Draft, measured
from entp.mix.loss import Written
from entp.mix.work import Work
from entp.text.key_terms import Corpus


async def draft(work: Work, corpus: Corpus) -> Draft:
    shown = {"tasks": operators.tasks(work.pair.parents), "language": operators.language_of(work.pair.parents)}
    instruction = await operators.write_text(work, "INVENT", "invent", 1, shown)
    work.record("INVENT", 1, text=instruction.text, template="invent")
    answer = await operators.answer_alone(work, "INVENT", instruction.text, 2)
    work.record("INVENT", 2, text=answer.text, template="direct_answer")
    demand = demand_of(work.pair.parents, [Written("")] * 2, corpus, work.config.mix)
    version = measured(work, "FAC", instruction, answer, without_content(demand), (0, 1))
    work.curve.append(version.loss)
    return version
