"""The operators of the fusion: DA, MCG, ICD, FAC, FAU and the one-to-one rewrite (docs/method.md, stage 6).

Each asks the model one thing about the pair at hand and returns what it learnt; nothing else happens. Who calls it
keeps the step. A parent's words stand in a prompt only as fenced data. With `llm.structured=fields` MCG asks for the
instruction, and later for its answer; with `schema` it asks for both as one JSON object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from entp.conversation import Message
from entp.judge.answers import YES, YES_NO
from entp.judge.fence import fenced, neutralise
from entp.llm.client import Choose, Generate, Reply, user
from entp.mix.loss import Demand, SymbolicLoss, Written, answer_loss, instruction_loss
from entp.mix.templates import fill
from entp.mix.work import Parent, Work
from entp.rate.raters import rate_raw
from entp.text.language import UNKNOWN
from entp.track.spans import Operator

LANGUAGES = {"en": "English", "zh": "Chinese", "de": "German", "fr": "French", "es": "Spanish", "ja": "Japanese"}
#: Words per token, on the safe side, for telling the model how long it may write.
WORDS_PER_TOKEN = 0.5
MERGED_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"instruction": {"type": "string"}, "response": {"type": "string"}},
    "required": ["instruction", "response"],
    "additionalProperties": False,
}
_LABEL = re.compile(
    r"\A\W*(?:an? |the )?(?:new |short |merged |combined )?(?:instruction|task|answer)\W*:\s*", re.IGNORECASE
)
_MARK = re.compile(r"</?(?:instruction|answer|(?:task|note)(?:_\d)?)>")
_QUOTED = re.compile(r'\A(["“])([^"“”]+)["”]\Z')


@dataclass(frozen=True)
class Question:
    """What an answer is written for: the instruction, fenced notes that help with it, and the language to ask for."""

    instruction: str
    notes: str
    language: str


class InfrastructureFault(Exception):  # noqa: N818  (it is a fact about the outside, not an error of ours)
    """A request that a pair needs got no reply; the pair fails, and the message says why."""


async def direct_answers(work: Work) -> list[Written]:
    """DA: the model's own answer to each parent's instruction.

    The one place where a parent's instruction is followed, so there is no fence; its reply is a note, nothing more.
    """
    requests = [_to_answer(work, "DA", parent.prompt, place) for place, parent in enumerate(work.pair.parents, start=1)]
    return [_written(reply) for reply in await work.meter.generate(requests)]


async def answer_alone(work: Work, operator: Operator, instruction: str, iteration: int) -> Written:
    """The model's own answer to an instruction of its own making, without notes; none to one without words."""
    if not instruction:
        return Written("")
    [reply] = await work.meter.generate([_to_answer(work, operator, instruction, iteration)])
    return _written(reply)


async def merge(
    work: Work, template: str, iteration: int, terms: Sequence[str], notes: str
) -> tuple[Written, Written | None]:
    """MCG: one instruction that asks for what both parents ask for; with `schema`, also its answer."""
    language = language_of(work.pair.parents)
    limit = work.config.mix.max_instruction_tokens
    prompt = fill(
        template,
        tasks=tasks(work.pair.parents),
        terms=", ".join(terms),
        words=int(limit * WORDS_PER_TOKEN),
        language=language,
    )
    if work.config.llm.structured == "schema":
        # Demonstrations show plain text, so they are left out where JSON is asked for.
        wanted = fill("as_json", notes=notes, language=language, words=_answer_words(work))
        prompt = user(f"{prompt[-1]['content']}\n\n{wanted[-1]['content']}")
        limit += work.config.mix.max_answer_tokens
        request = replace(_generate(work, prompt, limit, "MCG", iteration), json_schema=MERGED_SCHEMA)
        [reply] = await work.meter.generate([request])
        return _parsed(reply)
    [reply] = await work.meter.generate([_generate(work, prompt, limit, "MCG", iteration)])
    return _written(reply), None


async def check_instruction(work: Work, instruction: Written, demand: Demand) -> SymbolicLoss:
    """ICD: the symbolic loss of a merged instruction; code first, the judge for what code can't decide."""
    weights = work.config.loss
    if not weights.judged_incomplete:
        return instruction_loss(instruction, demand, None, weights)
    shown = {"tasks": tasks(work.pair.parents), "instruction": fenced("instruction", instruction.text)}
    yes = await _says_yes(work, fill("judge_instruction", **shown)) if instruction.text else 0.0
    return instruction_loss(instruction, demand, yes, weights)


async def write_answer(
    work: Work, operator: Operator, template: str, iteration: int, question: Question, terms: Sequence[str] = ()
) -> Written:
    """An answer to the question, from its notes: MCG's second field, FAU's update, or a rewrite's.

    The instruction to be answered is our own text by now, and is followed; the notes are data.
    """
    prompt = fill(
        template,
        instruction=neutralise(question.instruction),
        notes=question.notes,
        terms=", ".join(terms),
        language=question.language,
    )
    request = _generate(work, prompt, work.config.mix.max_answer_tokens, operator, iteration)
    [reply] = await work.meter.generate([request])
    return _written(reply)


async def check_answer(work: Work, answer: Written, instruction: str, demand: Demand) -> SymbolicLoss:
    """FAC: the symbolic loss of an answer to the merged (or rewritten) instruction."""
    weights = work.config.loss
    if not weights.answer_judged_incomplete:
        return answer_loss(answer, instruction, demand, None, weights)
    shown = {"instruction": fenced("instruction", instruction), "answer": fenced("answer", answer.text)}
    yes = await _says_yes(work, fill("judge_answer", **shown)) if answer.text else 0.0
    return answer_loss(answer, instruction, demand, yes, weights)


async def write_text(
    work: Work, operator: Operator, template: str, iteration: int, values: Mapping[str, str]
) -> Written:
    """A text as short as an instruction by any template: a rewrite, a rival's invention or its critique."""
    request = _generate(work, fill(template, **values), work.config.mix.max_instruction_tokens, operator, iteration)
    [reply] = await work.meter.generate([request])
    return _written(reply)


async def rewrite(work: Work, parent: Parent) -> Written:
    """REWRITE: one parent's instruction again, clearer; the one-to-one way out."""
    shown = {"task": fenced("task", parent.prompt), "language": language_of([parent])}
    return await write_text(work, "REWRITE", "rewrite", 1, shown)


async def rate(work: Work, conversations: Sequence[list[Message]]) -> list[float | None]:
    """RATE: the stage-3 rater's raw values, None where it gives none."""
    ratings = await rate_raw(work.config.mix.rater, work.meter, conversations, work.config.rate)
    for rating in ratings:
        if rating.status in ("failed", "timed_out"):
            raise InfrastructureFault(f"the rater got no reply ({rating.error or rating.status})")
    return [rating.value if rating.status == "rated" else None for rating in ratings]


def tasks(parents: Sequence[Parent]) -> str:
    """The parents' instructions, fenced and numbered."""
    return "\n\n".join(fenced(f"task_{place}", parent.prompt) for place, parent in enumerate(parents, start=1))


def notes_from(parents: Sequence[Parent], directs: Sequence[Written]) -> str:
    """Material for an answer, fenced: each parent's own answer and the model's direct one."""
    return "\n\n".join(
        fenced(f"note_{place}", f"{parent.response}\n{direct.text}")
        for place, (parent, direct) in enumerate(zip(parents, directs, strict=True), start=1)
    )


def language_of(parents: Sequence[Parent]) -> str:
    """The language to ask for, by name; the first parent's where they differ."""
    code = parents[0].language
    return LANGUAGES.get(code, "the language of the task" if code == UNKNOWN else code)


def tidy(text: str) -> str:
    """A reply without the wrapping that chat models add: a label, our own marks, quotation marks around it all.

    >>> tidy('New instruction: "Name three fruits."')
    'Name three fruits.'
    """
    text = _LABEL.sub("", _MARK.sub("", text).strip())
    quoted = _QUOTED.match(text)
    return quoted.group(2).strip() if quoted else text.strip()


def _generate(work: Work, prompt: tuple[Message, ...], limit: int, operator: str, iteration: int) -> Generate:
    """A request to write, with the pair's settings and its own seed."""
    seed = work.seed(operator, iteration, limit)
    return Generate(prompt, max_tokens=limit, temperature=work.config.mix.temperature, seed=seed)


def _to_answer(work: Work, operator: Operator, instruction: str, iteration: int) -> Generate:
    prompt = fill("direct_answer", task=neutralise(instruction))
    return _generate(work, prompt, work.config.mix.max_answer_tokens, operator, iteration)


def _answer_words(work: Work) -> int:
    return int(work.config.mix.max_answer_tokens * WORDS_PER_TOKEN)


async def _says_yes(work: Work, prompt: tuple[Message, ...]) -> float | None:
    """The judge's probability of "Yes", however little it leans to either answer; None where it gave no reply."""
    [reply] = await work.meter.choose([Choose(prompt, YES_NO)])
    _demand_reply(reply)
    return reply.probabilities[YES] if reply.status == "ok" else None


def _written(reply: Reply) -> Written:
    _demand_reply(reply)
    if reply.status == "refused":
        return Written("")
    return Written(tidy(reply.text), truncated=reply.status == "truncated")


def _parsed(reply: Reply) -> tuple[Written, Written]:
    """The two fields of MCG's JSON object; a reply that does not parse is two empty texts, the greatest loss."""
    _demand_reply(reply)
    truncated = reply.status == "truncated"
    try:
        fields = json.loads(reply.text)
        instruction, response = fields["instruction"], fields["response"]
    except (json.JSONDecodeError, KeyError, TypeError):
        instruction = response = ""
    if not isinstance(instruction, str) or not isinstance(response, str):
        instruction = response = ""
    return Written(tidy(instruction), truncated and not response), Written(tidy(response), truncated)


def _demand_reply(reply: Reply) -> None:
    if reply.status in ("failed", "timed_out"):
        raise InfrastructureFault(reply.error or reply.status)
