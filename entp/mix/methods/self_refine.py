"""Rival: Self-Refine (arXiv 2303.17651): the model criticises its own merge in words and mends it, with no loss.

As many rounds as the instruction cycle has further tries; the last version is taken, whatever it is like.
"""

from __future__ import annotations

from entp.judge.fence import fenced
from entp.mix import operators
from entp.mix.cycles import write_answer
from entp.mix.draft import Draft
from entp.mix.methods.one_shot import measured_merge, merged_once
from entp.mix.operators import Question
from entp.mix.work import Work
from entp.text.key_terms import Corpus


async def draft(work: Work, corpus: Corpus) -> Draft:
    instruction, answer = await merged_once(work)
    version = measured_merge(work, corpus, instruction, answer)
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
        version = measured_merge(work, corpus, instruction, answer)
    return version
