"""The switching table: complete, and pointing only at templates that exist and can be filled."""

from __future__ import annotations

import string

import pytest

from entp.mix.loss import TERMS, SymbolicLoss
from entp.mix.optimizer import NEXT_ANSWER, NEXT_MERGE, first_answer, first_merge, next_answer, next_merge
from entp.mix.templates import templates

FIRST = {first(language) for first in (first_merge, first_answer) for language in ("en", "zh", "und")}
SWITCHED = {*NEXT_MERGE.values(), *NEXT_ANSWER.values(), *FIRST}
VALUES = {"task", "tasks", "instruction", "answer", "notes", "terms", "words", "language"}


def test_every_term_of_the_loss_has_its_row():
    assert {*NEXT_MERGE, *NEXT_ANSWER} == set(TERMS)


def test_ten_templates_are_switched_among_and_all_exist():
    assert len(SWITCHED) == 10
    assert set(templates()) >= SWITCHED


@pytest.mark.parametrize("name", sorted(templates()))
def test_a_template_has_only_known_placeholders(name):
    role, text = templates()[name].turns[-1]
    fields = {field for _, field, _, _ in string.Formatter().parse(text) if field}
    assert role == "user"
    assert fields
    assert fields <= VALUES


def test_the_heaviest_error_decides_and_no_error_ends_the_cycle():
    assert next_merge(SymbolicLoss(0.5, {"length": 0.1, "missing_terms_b": 0.4}, {})) == "merge_keep_terms"
    assert next_merge(SymbolicLoss(0.0, {"length": 0.0}, {})) is None
    assert next_answer(SymbolicLoss(0.5, {"answer_truncated": 0.5}, {})) == "answer_shorter"


def test_of_equal_errors_the_graver_kind_decides():
    assert SymbolicLoss(0.4, {"missing_terms_a": 0.2, "copies_parent": 0.2}, {}).heaviest == "copies_parent"
