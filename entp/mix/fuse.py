"""One pair's whole life: direct answers, instruction cycle, answer cycle, acceptance, or the one-to-one way out.

What the loss curve means. A pair makes candidates: merged instructions first, then answers to the best of them. Each
part has its own symbolic loss, and a candidate replaces the best of its part only if its loss is lower. The loss of
the pair is the sum of both parts. `loss_first` is that of the first complete candidate: the first merged instruction's
loss plus the first answer's. The n-th entry of the curve is the best sum after the n-th candidate (while instructions
are still being tried, with the first answer's loss, which is only known once they are done), and `loss_last` is its
last entry. So the curve never rises. `iterations` is its length: the instructions tried, and the answers after the
first. A rewrite has a loss of its own, in its steps; it leaves the curve alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from entp.config import Config
from entp.llm.rounds import Asker
from entp.mix import acceptance, operators, optimizer
from entp.mix.cycles import answer_cycle, instruction_cycle
from entp.mix.key_terms import Corpus
from entp.mix.loss import Written, added, instruction_loss
from entp.mix.operators import InfrastructureFault, Question
from entp.mix.trace import Decision, Ratings, Step, to_json
from entp.mix.work import Meter, Pair, Work, demand_of
from entp.records import Message

Outcome = tuple[Decision, list[Message] | None]


@dataclass(frozen=True)
class Fusion:
    """The outcome of one pair, a row of `mix/fusions`. `curve` is empty where no candidate came about."""

    pair_id: str
    decision: Decision
    messages: list[Message] | None
    curve: list[float]
    steps: list[Step]
    calls: int
    tokens_in: int
    tokens_out: int
    trace: str


async def fuse(asker: Asker, pair: Pair, corpus: Corpus, config: Config, model: str) -> Fusion:
    """Work on one pair to its end. A request without a reply makes it `failed`; nothing is raised."""
    work = Work(pair, config, Meter(asker))
    try:
        decision, messages = await _live(work, corpus)
    except InfrastructureFault as fault:
        sentence = f"The pair could not be worked on to its end: {fault}."
        decision, messages = Decision(status="failed", reason="infrastructure", sentence=sentence), None
    return finished(work, model, decision, messages)


def finished(work: Work, model: str, decision: Decision, messages: list[Message] | None = None) -> Fusion:
    """The outcome of the work as it stands."""
    parents = [parent.id for parent in work.pair.parents]
    return Fusion(
        pair_id=work.pair.id,
        decision=decision,
        messages=messages,
        curve=work.curve,
        steps=work.steps,
        calls=work.meter.calls,
        tokens_in=work.meter.tokens_in,
        tokens_out=work.meter.tokens_out,
        trace=to_json(parents, model, work.steps, work.curve, work.ratings, decision),
    )


async def _live(work: Work, corpus: Corpus) -> Outcome:
    parents = work.pair.parents
    directs = await operators.direct_answers(work)
    demand = demand_of(parents, directs, corpus, work.config)
    notes = operators.notes_from(parents, directs)

    merged = await instruction_cycle(work, demand, notes)
    instruction = merged.best.written
    question = Question(instruction.text, notes, operators.language_of(parents))
    answered = await answer_cycle(work, demand, question, merged.best.answer)
    answer = answered.best.written
    work.curve = [round(loss + answered.curve[0], 6) for loss in merged.curve]
    work.curve += [round(merged.curve[-1] + loss, 6) for loss in answered.curve[1:]]

    await _rate_with_parents(work, instruction, answer)
    rated = (work.ratings["parent_a"], work.ratings["parent_b"])
    reason = acceptance.verdict((instruction, answer), work.curve[-1], work.ratings["fused"], rated, work.config.mix)
    if reason == "accepted":
        fused = conversation(instruction, answer)
        return acceptance.accepted(work.curve[-1], work.ratings, work.config.mix), fused
    return await _one_to_one(work, corpus, directs, reason)


async def _one_to_one(work: Work, corpus: Corpus, directs: Sequence[Written], reason: str) -> Outcome:
    """The way out of a failed fusion: rewrite the better parent, under the same bar; else reject the pair."""
    config, ratings = work.config.mix, work.ratings
    place = acceptance.better_parent(ratings)
    if place is None or not config.one_to_one_fallback:
        return acceptance.rejected(reason, work.curve[-1], ratings, config, rewrite=None), None

    parent, direct = work.pair.parents[place], directs[place]
    demand = demand_of([parent], [direct], corpus, work.config)
    instruction = await operators.rewrite(work, parent)
    question = Question(instruction.text, operators.notes_from([parent], [direct]), operators.language_of([parent]))
    answer = await operators.write_answer(work, "REWRITE", optimizer.first_answer(parent.language), 2, question)
    answer_part = await operators.check_answer(work, answer, instruction.text, demand)
    loss = added(instruction_loss(instruction, demand, None, 0.0), answer_part)
    work.record("REWRITE", 3, loss=loss)
    if instruction.text and answer.text:
        [ratings["rewritten"]] = await operators.rate(work, [conversation(instruction, answer)])
        work.record("RATE", 2, text=shown(ratings))

    parent_rating = (ratings["parent_a"], ratings["parent_b"])[place]
    failure = acceptance.verdict((instruction, answer), loss.total, ratings["rewritten"], (parent_rating,), config)
    if failure == "accepted":
        return acceptance.rewritten(reason, work.curve[-1], ratings, place, config), conversation(instruction, answer)
    return acceptance.rejected(reason, work.curve[-1], ratings, config, rewrite=(failure, loss.total)), None


async def _rate_with_parents(work: Work, instruction: Written, answer: Written) -> None:
    """RATE: the fused sample (where it has words) and both parents, by one rater in one go."""
    conversations = [parent.messages for parent in work.pair.parents]
    complete = bool(instruction.text and answer.text)
    if complete:
        conversations.append(conversation(instruction, answer))
    values = await operators.rate(work, conversations)
    work.ratings["parent_a"], work.ratings["parent_b"] = values[:2]
    work.ratings["fused"] = values[2] if complete else None
    work.record("RATE", 1, text=shown(work.ratings))


def conversation(instruction: Written, answer: Written) -> list[Message]:
    """The new sample in the `messages` format."""
    return [Message(role="user", content=instruction.text), Message(role="assistant", content=answer.text)]


def shown(ratings: Ratings) -> str:
    """The ratings in one line, for the story."""
    known = [f"{name.replace('_', ' ')} {value:.2f}" for name, value in ratings.items() if isinstance(value, float)]
    return ", ".join(known) or "no ratings"
