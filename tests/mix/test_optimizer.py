"""The policy: complete, and switching among nine templates that exist and can be filled."""

from __future__ import annotations

import string
from pathlib import Path

import pytest

from entp.mix.loss import TERMS, SymbolicLoss
from entp.mix.optimizer import FIRST_ANSWER, POLICY, first_merge, next_template
from entp.mix.templates import FOLDER, templates

SWITCHABLE = {path.name.partition(".")[0] for path in (FOLDER / "switchable").glob("*.txt")}
PAGE = (Path(__file__).parents[2] / "docs" / "symbolic-loss.md").read_text(encoding="utf-8")
FIXED = {path.name.partition(".")[0] for path in FOLDER.glob("*.txt")}
VALUES = {"task", "tasks", "instruction", "answer", "notes", "terms", "words", "language"}


def test_every_term_of_the_loss_has_its_one_row():
    assert sorted(rule.error for rule in POLICY) == sorted(TERMS)


def test_there_are_nine_switchable_templates_and_the_policy_reaches_each():
    first = {FIRST_ANSWER, *(first_merge(language) for language in ("en", "zh", "und"))}
    assert len(SWITCHABLE) == 9
    assert {rule.template for rule in POLICY} == SWITCHABLE
    assert first <= SWITCHABLE


def test_every_template_has_one_file():
    assert len(list(FOLDER.rglob("*.txt"))) == len(templates())


@pytest.mark.parametrize("name", sorted(SWITCHABLE | FIXED))
def test_a_template_has_only_known_placeholders(name):
    role, text = templates()[name].turns[-1]
    fields = {field for _, field, _, _ in string.Formatter().parse(text) if field}
    assert role == "user"
    assert fields
    assert fields <= VALUES


def test_the_heaviest_error_decides_and_no_error_ends_the_cycle():
    assert next_template(SymbolicLoss(0.5, {"length": 0.1, "missing_terms_b": 0.4}, {}), 0.05) == "merge_keep_terms"
    assert next_template(SymbolicLoss(0.5, {"answer_truncated": 0.5}, {}), 0.05) == "answer_shorter"
    assert next_template(SymbolicLoss(0.0, {"length": 0.0}, {}), 0.0) is None


def test_a_loss_that_is_good_enough_ends_the_cycle():
    loss = SymbolicLoss(0.04, {"judged_incomplete": 0.04}, {})
    assert next_template(loss, 0.05) is None
    assert next_template(loss, 0.03) == "merge_both_intents"


def test_of_equal_errors_the_graver_kind_decides():
    assert SymbolicLoss(0.4, {"missing_terms_a": 0.2, "copies_parent": 0.2}, {}).heaviest == "copies_parent"


def test_a_pair_in_a_foreign_language_begins_with_the_template_that_names_it():
    assert (first_merge("en"), first_merge("zh")) == ("merge_plain", "merge_same_language")
    assert all("{language}" in templates()[name].turns[-1][1] for name in SWITCHABLE if name.startswith("answer"))


@pytest.mark.parametrize("rule", POLICY, ids=lambda rule: rule.error)
def test_the_page_has_the_rule(rule):
    assert f"| `{rule.error}` | `{rule.template}` | {rule.why} |" in PAGE
