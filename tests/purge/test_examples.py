"""Every rule's docstring holds examples; here they are run."""

from __future__ import annotations

import pytest

from entp.purge.rule import Example, Rule
from entp.purge.rules import ALL_RULES, listing
from tests.purge.pool import fired_on, mended

EXAMPLES = [(rule, example) for rule in ALL_RULES for example in rule.examples]


def test_every_rule_shows_a_text_that_trips_it_and_one_that_passes():
    for rule in ALL_RULES:
        assert {example.trips for example in rule.examples} == {True, False}, rule.reason


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=lambda value: getattr(value, "reason", ""))
def test_an_example_does_what_the_docstring_says(rule: Rule, example: Example):
    if rule.action == "repair":
        expected = example.after if example.trips else example.text
        assert mended(rule, str(example.text)) == expected
    else:
        assert (rule.reason in fired_on(rule, example.text)) == example.trips


def test_reasons_are_unique_and_the_families_are_all_there():
    reasons = [rule.reason for rule in ALL_RULES]
    assert len(set(reasons)) == len(reasons) >= 20
    assert {rule.function.__module__.rpartition(".")[2] for rule in ALL_RULES} == {
        "structure",
        "repetition",
        "characters",
        "language",
        "sft",
        "chinese",
    }


def test_the_documentation_lists_every_rule_as_it_is():
    page = listing.PAGE.read_text(encoding="utf-8")
    assert listing.with_table(page) == page
