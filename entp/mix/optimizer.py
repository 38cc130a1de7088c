"""The prompt optimiser (the paper's SPO): which template comes next, by the heaviest error. The table is our choice."""

from __future__ import annotations

from entp.language import UNKNOWN
from entp.mix.loss import JUDGED_ANSWER, JUDGED_INSTRUCTION, SymbolicLoss

#: Heaviest error of a merged instruction -> the template that answers it.
NEXT_MERGE: dict[str, str] = {
    "unreadable": "merge_plain",
    "truncated": "merge_shorter",
    "wrong_language": "merge_same_language",
    "leakage": "merge_shorter",
    "not_a_request": "merge_both_intents",
    "absent_reference": "merge_self_contained",
    "copies_parent": "merge_both_intents",
    "repetition": "merge_shorter",
    "missing_intent": "merge_both_intents",
    "missing_terms_a": "merge_keep_terms",
    "missing_terms_b": "merge_keep_terms",
    "length": "merge_shorter",
    JUDGED_INSTRUCTION: "merge_both_intents",
}
#: Heaviest error of an answer -> the template that answers it.
NEXT_ANSWER: dict[str, str] = {
    "answer_unreadable": "answer_plain",
    "answer_truncated": "answer_shorter",
    "answer_wrong_language": "answer_same_language",
    "answer_leakage": "answer_plain",
    "answer_repetition": "answer_shorter",
    "answer_copies": "answer_cover",
    "answer_misses_a": "answer_cover",
    "answer_misses_b": "answer_cover",
    "answer_length": "answer_cover",
    JUDGED_ANSWER: "answer_cover",
}
#: Languages that need not be asked for: models fall back into English by themselves.
UNASKED = ("en", UNKNOWN)


def first_merge(language: str) -> str:
    """The template a pair begins with, by the first parent's language."""
    return "merge_plain" if language in UNASKED else "merge_same_language"


def first_answer(language: str) -> str:
    """The template of the first answer, by the first parent's language."""
    return "answer_plain" if language in UNASKED else "answer_same_language"


def next_merge(loss: SymbolicLoss) -> str | None:
    """The template for the next merged instruction; None where nothing is wrong."""
    return NEXT_MERGE[loss.heaviest] if loss.heaviest else None


def next_answer(loss: SymbolicLoss) -> str | None:
    """The template for the next answer; None where nothing is wrong."""
    return NEXT_ANSWER[loss.heaviest] if loss.heaviest else None
