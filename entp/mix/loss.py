"""The symbolic loss: a number that says how far a merged instruction, or its answer, is from what it must be.

It is a weighted sum of terms (`entp.mix.terms`), most of them decided by code, one of each part by the model. The
instruction's loss and the answer's loss are on one scale and are added; 0 is perfect. The paper names a "symbolic
loss" without saying what it is: terms and weights (`entp.config.LossConfig`) are our choice. The weights are set
against the default acceptance bound (`mix.accept_loss`): an error that spoils a sample by itself weighs more than the
whole bound, an error of degree less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from entp.config import LossConfig
from entp.mix import terms
from entp.mix.terms import Finding

#: The term of each part that the model decides.
JUDGED_INSTRUCTION = "judged_incomplete"
JUDGED_ANSWER = "answer_judged_incomplete"
#: Every term, instructions' first; the order in which ties are broken.
TERMS = tuple(LossConfig.model_fields)


@dataclass(frozen=True)
class SymbolicLoss:
    """`total` is the sum of `terms` (weighted contributions); `offending` holds the words behind a term."""

    total: float
    terms: dict[str, float]
    offending: dict[str, list[str]]

    @property
    def heaviest(self) -> str | None:
        """The term that costs most, or None where nothing is wrong."""
        worst = max(self.terms, key=lambda name: (self.terms[name], -TERMS.index(name)), default=None)
        return worst if worst is not None and self.terms[worst] > 0 else None

    @property
    def judged(self) -> SymbolicLoss:
        """The part of the loss that the model decides (`mix.symbolic_loss=false` steers by nothing else)."""
        told = {name: value for name, value in self.terms.items() if name in (JUDGED_INSTRUCTION, JUDGED_ANSWER)}
        return SymbolicLoss(sum(told.values()), told, {})


@dataclass(frozen=True)
class Written:
    """A text a model wrote. `truncated`: it hit its token limit; an unparsable or refused reply is empty text."""

    text: str
    truncated: bool = False


@dataclass(frozen=True)
class Demand:
    """What the parents demand of their offspring: two parents of a fusion, one of a rewrite.

    `prompts`, `responses`, `topic_terms` (of each instruction) and `answer_terms` (of what each answer should tell)
    go by parent. `languages` are those of the instructions; `answer_languages` also hold those of the answers, for a
    translation is not in its instruction's. Lengths are in words.
    """

    prompts: tuple[str, ...]
    responses: tuple[str, ...]
    topic_terms: tuple[tuple[str, ...], ...]
    answer_terms: tuple[tuple[str, ...], ...]
    term_languages: tuple[str, ...]
    languages: frozenset[str]
    answer_languages: frozenset[str]
    instruction_words: tuple[int, int]
    answer_words: tuple[int, int]


def instruction_loss(instruction: Written, demand: Demand, yes: float | None, weights: LossConfig) -> SymbolicLoss:
    """ICD: how complete and consistent a merged (or rewritten) instruction is.

    `yes` is the judge's probability that it asks for everything the parents asked for; None leaves the judge out.
    """
    text = instruction.text
    findings = {
        "unreadable": terms.unreadable(text),
        "truncated": terms.unfinished(text, instruction.truncated),
        "wrong_language": terms.wrong_language(text, demand.languages),
        "leakage": terms.leakage(text, demand.prompts),
        "not_a_request": terms.not_a_request(text, demand.prompts, demand.languages),
        "absent_reference": terms.absent_reference(text),
        "repetition": terms.repetition(text),
        "length": terms.length_outside(text, *demand.instruction_words),
    }
    names = ("missing_terms_a", "missing_terms_b")
    for name, wanted, language in zip(names, demand.topic_terms, demand.term_languages, strict=False):
        findings[name] = terms.missing(text, wanted, 1.0, language)
    if len(demand.prompts) > 1:
        # A one-to-one rewrite has one intent, and may keep an instruction that was good.
        findings["missing_intent"] = terms.one_sided(text, demand.topic_terms, demand.term_languages)
        findings["copies_parent"] = terms.copied(text, demand.prompts)
    if yes is not None:
        findings[JUDGED_INSTRUCTION] = terms.doubt(yes)
    return _weigh(findings, weights)


def answer_loss(
    answer: Written, instruction: str, demand: Demand, yes: float | None, weights: LossConfig
) -> SymbolicLoss:
    """FAC: how well an answer covers what both direct answers and both parents tell.

    Half of each parent's terms is enough, for an answer may use other words. `yes` is the judge's probability that
    it answers the whole instruction; None leaves the judge out.
    """
    text = answer.text
    findings = {
        "answer_unreadable": terms.unreadable(text),
        "answer_truncated": terms.unfinished(text, answer.truncated),
        "answer_wrong_language": terms.wrong_language(text, demand.answer_languages),
        "answer_leakage": terms.leakage(text, (*demand.prompts, *demand.responses)),
        "answer_repetition": terms.repetition(text),
        "answer_copies": terms.copied(text, (*demand.responses, instruction)),
        "answer_length": terms.length_outside(text, *demand.answer_words),
    }
    names = ("answer_misses_a", "answer_misses_b")
    for name, wanted, language in zip(names, demand.answer_terms, demand.term_languages, strict=False):
        findings[name] = terms.missing(text, wanted, 0.5, language)
    if yes is not None:
        findings[JUDGED_ANSWER] = terms.doubt(yes)
    return _weigh(findings, weights)


def added(instruction: SymbolicLoss, answer: SymbolicLoss) -> SymbolicLoss:
    """The loss of a whole sample: its instruction's and its answer's."""
    return SymbolicLoss(
        round(instruction.total + answer.total, 6),
        {**instruction.terms, **answer.terms},
        {**instruction.offending, **answer.offending},
    )


def _weigh(findings: Mapping[str, Finding], weights: LossConfig) -> SymbolicLoss:
    contributions = {
        name: round(getattr(weights, name) * findings[name].value, 6) for name in TERMS if name in findings
    }
    offending = {name: finding.offending for name, finding in findings.items() if finding.offending}
    return SymbolicLoss(round(sum(contributions.values()), 6), contributions, offending)
