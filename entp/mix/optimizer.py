"""The prompt optimiser (the paper's SPO): which template comes next, by the heaviest error.

The paper switches among nine hand-written templates without saying which; ours (`prompts/switchable/`), and the
policy, are our choice.
"""

from __future__ import annotations

from typing import NamedTuple

from entp.mix.loss import SymbolicLoss
from entp.text.language import UNKNOWN


class Rule(NamedTuple):
    """Where `error` is the heaviest term of the loss, the next text is written by `template`."""

    error: str
    template: str
    why: str


POLICY = (
    # A merged instruction:
    Rule("unreadable", "merge_plain", "nothing to mend: the simplest request again"),
    Rule("truncated", "merge_shorter", "a word limit brings it to an end"),
    Rule("wrong_language", "merge_same_language", "names the language and shows no English example"),
    Rule("leakage", "merge_shorter", "little room is left for talk about the tasks"),
    Rule("not_a_request", "merge_both_intents", "its example begins with a verb of asking"),
    Rule("absent_reference", "merge_self_contained", "asks for every text to be copied, forbids the words at fault"),
    Rule("copies_parent", "merge_both_intents", "first the one, then the other: neither can be left out"),
    Rule("repetition", "merge_shorter", "a word limit leaves no room to go round in circles"),
    Rule("missing_intent", "merge_both_intents", "first the one, then the other: neither can be left out"),
    Rule("missing_terms_a", "merge_keep_terms", "names the words to use"),
    Rule("missing_terms_b", "merge_keep_terms", "names the words to use"),
    Rule("length", "merge_shorter", "a word limit, for most are too long"),
    Rule("judged_incomplete", "merge_both_intents", "first the one, then the other: neither can be left out"),
    # Its answer:
    Rule("answer_unreadable", "answer_plain", "nothing to mend: the simplest request again"),
    Rule("answer_truncated", "answer_shorter", "two sentences end within the limit"),
    Rule("answer_wrong_language", "answer_plain", "names the language, and asks for little else"),
    Rule("answer_leakage", "answer_plain", "the simplest request has the least to repeat"),
    Rule("answer_repetition", "answer_shorter", "two sentences leave no room to go round in circles"),
    Rule("answer_copies", "answer_cover", "asks for its own words"),
    Rule("answer_misses_a", "answer_cover", "names what to speak of"),
    Rule("answer_misses_b", "answer_cover", "names what to speak of"),
    Rule("answer_length", "answer_cover", "names what to speak of, for most are too short"),
    Rule("answer_judged_incomplete", "answer_cover", "asks for every part"),
)
_TEMPLATES = {rule.error: rule.template for rule in POLICY}
#: The template of the first answer, which names the language itself.
FIRST_ANSWER = "answer_plain"
#: Languages that need not be asked for: models fall back into English by themselves.
UNASKED = ("en", UNKNOWN)


def first_merge(language: str) -> str:
    """The template a pair begins with, by the first parent's language."""
    return "merge_plain" if language in UNASKED else "merge_same_language"


def next_template(loss: SymbolicLoss, good_enough: float) -> str | None:
    """The template for the next try, by the heaviest error of the last; None where the loss is within `good_enough`."""
    if loss.heaviest is None or loss.total <= good_enough:
        return None
    return _TEMPLATES[loss.heaviest]
