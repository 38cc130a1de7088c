"""The rivals that ENTP's two cycles are compared with: a function each, named as `mix.method` names it."""

from __future__ import annotations

from entp.judge.fence import fenced
from entp.mix import operators, optimizer
from entp.mix.acceptance import better_parent
from entp.mix.cycles import write_answer
from entp.mix.demand import demand_of, without_content
from entp.mix.draft import Draft, measured, rate
from entp.mix.loss import Written
from entp.mix.operators import Question
from entp.mix.work import Work
from entp.text.key_terms import Corpus

IN_DEPTH = ("evolve_constraint", "evolve_deepen", "evolve_concrete", "evolve_reasoning")
IN_BREADTH = "evolve_breadth"
OPERATIONS = (*IN_DEPTH, IN_BREADTH)


async def one_shot(work: Work, corpus: Corpus) -> Draft:
    """Merge once, answer once, no check (after MergeIT, arXiv 2503.00034, which merges similar instructions)."""
    instruction, answer = await _merged_once(work)
    return _measured_merge(work, corpus, instruction, answer)


async def one_to_one(work: Work, corpus: Corpus) -> Draft:
    """Rewrite the better parent, one into one."""
    await rate(work)
    written = await rewritten(work, corpus, better_parent(work.ratings) or 0)
    work.curve.append(written.loss)
    return written


async def self_refine(work: Work, corpus: Corpus) -> Draft:
    """Self-Refine (arXiv 2303.17651): the model criticises its own merge in words and mends it, with no loss.

    As many rounds as the instruction cycle has further tries; the last version is taken, whatever it is like.
    """
    instruction, answer = await _merged_once(work)
    version = _measured_merge(work, corpus, instruction, answer)
    for iteration in range(2, work.config.mix.instruction_tries + 1):
        shown = {
            "tasks": operators.tasks(work.pair.parents),
            "instruction": fenced("instruction", version.instruction.text),
            "answer": fenced("answer", version.answer.text),
        }
        critique = await operators.write_text(work, "CRITIQUE", "refine_feedback", iteration, shown)
        work.record("CRITIQUE", iteration, text=critique.text, template="refine_feedback")

        note = fenced("note_1", critique.text)
        instruction = await operators.write_text(work, "MCG", "refine_instruction", iteration, {**shown, "notes": note})
        work.record("MCG", iteration, text=instruction.text, template="refine_instruction")
        notes = f"{shown['answer']}\n\n{note}"
        question = Question(instruction.text, notes, operators.language_of(work.pair.parents))
        answer = await write_answer(work, "FAU", "refine_answer", iteration, question)
        version = _measured_merge(work, corpus, instruction, answer)
    return version


async def self_instruct(work: Work, corpus: Corpus) -> Draft:
    """Self-Instruct (arXiv 2212.10560): both parents are examples, the model invents a further task of their kind.

    Its answer is the model's own. Nothing of the parents' content is demanded of it; like there, what resembles an
    example too much costs (`copies_parent`).
    """
    shown = {"tasks": operators.tasks(work.pair.parents), "language": operators.language_of(work.pair.parents)}
    instruction = await operators.write_text(work, "INVENT", "invent", 1, shown)
    work.record("INVENT", 1, text=instruction.text, template="invent")
    answer = await operators.answer_alone(work, "INVENT", instruction.text, 2)
    work.record("INVENT", 2, text=answer.text, template="direct_answer")
    demand = demand_of(work.pair.parents, [Written("")] * 2, corpus, work.config.mix)
    version = measured(work, "FAC", instruction, answer, without_content(demand), (0, 1))
    work.curve.append(version.loss)
    return version


async def evol_instruct(work: Work, corpus: Corpus) -> Draft:
    """Evol-Instruct (WizardLM, arXiv 2304.12244): the better parent is made harder, or a new one like it is made.

    The operation is drawn by the pair's seed, the four in-depth ones and the in-breadth one with equal chances (there
    is a fifth in-depth operation, on code and tables in the input, that has no place here). Words of the prompts are
    ours.
    """
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


async def rewritten(work: Work, corpus: Corpus, place: int) -> Draft:
    """REWRITE: the parent's instruction again, and a new answer from its old one and any direct one.

    It is also ENTP's way out of a fusion that failed.
    """
    parent = work.pair.parents[place]
    direct = work.directs[place] if work.directs else Written("")
    instruction = await operators.rewrite(work, parent)
    work.record("REWRITE", 1, text=instruction.text, template="rewrite")
    notes = operators.notes_from([parent], [direct])
    question = Question(instruction.text, notes, operators.language_of([parent]))
    answer = await write_answer(work, "REWRITE", optimizer.FIRST_ANSWER, 2, question)
    demand = demand_of([parent], [direct], corpus, work.config.mix)
    return measured(work, "REWRITE", instruction, answer, demand, (place,))


async def _merged_once(work: Work) -> tuple[Written, Written]:
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


def _measured_merge(work: Work, corpus: Corpus, instruction: Written, answer: Written) -> Draft:
    """A draft of both parents, measured by all that they demand; the next point of the curve."""
    demand = demand_of(work.pair.parents, [Written("")] * 2, corpus, work.config.mix)
    draft = measured(work, "FAC", instruction, answer, demand, (0, 1))
    work.curve.append(draft.loss)
    return draft
