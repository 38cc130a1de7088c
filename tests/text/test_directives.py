from __future__ import annotations

import pytest

from entp.text.directives import asks, openings

ASKING = [
    "First, briefly describe a cat.",
    "What is rain?",
    "Your task is to sort these numbers.",
    "If it rains, name a reason.",
    "介绍猫。",
    "猫是什么动物",
]
TELLING = ["A cat is a pet.", "To improve it, you could add a comma.", 'She said: "Why?"', "猫是宠物。", ""]


@pytest.mark.parametrize("text", ASKING)
def test_a_question_or_a_clause_that_begins_with_a_verb_of_asking_asks(text: str):
    assert asks(text)


@pytest.mark.parametrize("text", TELLING)
def test_a_statement_or_a_quoted_question_does_not(text: str):
    assert not asks(text)


def test_a_verb_that_instructions_open_with_asks_too():
    assert not asks("Fabricate a tale.")
    assert asks("Fabricate a tale.", openings(["Fabricate three dragons."]))


def test_function_words_are_no_such_openings():
    assert openings(["The cat sat.", "Fabricate it."]) == {"fabricate"}
