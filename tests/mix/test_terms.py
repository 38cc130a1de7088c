"""Each term of the symbolic loss, by what trips it and what passes; and the page that documents them."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from entp import params
from entp.config import LossConfig
from entp.mix import terms
from entp.mix.loss import TERMS, Demand, Written, added, answer_loss, instruction_loss

PAGE = (Path(__file__).parents[2] / "docs" / "symbolic-loss.md").read_text(encoding="utf-8")
CHECKS = {
    name: function
    for name, function in vars(terms).items()
    if inspect.isfunction(function) and function.__module__ == terms.__name__ and not name.startswith("_")
}
EXAMPLE = re.compile(r"^ *(Trips|Passes): +(.+)$", re.MULTILINE)
DEMAND = Demand(
    prompts=("Name a fruit.", "Describe a beach."),
    responses=("A fig.", "It is sandy."),
    topic_terms=(("fruit",), ("beach",)),
    answer_terms=(("fig",), ("sandy",)),
    term_languages=("en", "en"),
    languages=frozenset({"en"}),
    answer_languages=frozenset({"en"}),
    instruction_words=(4, 40),
    answer_words=(4, 40),
)
LONG_LOOP = "It is red. " * 12


def examples(check):
    """The examples of a check's docstring: whether it trips, and the arguments as they are written."""
    return [(kind == "Trips", arguments) for kind, arguments in EXAMPLE.findall(inspect.getdoc(CHECKS[check]))]


@pytest.mark.parametrize("check", CHECKS)
def test_the_examples_of_the_docstring_are_true(check):
    found = examples(check)
    assert {trips for trips, _ in found} == {True, False}
    for trips, arguments in found:
        finding = CHECKS[check](*ast.literal_eval(f"({arguments},)"))
        assert (finding.value > 0) is trips, arguments
        assert 0 <= finding.value <= 1


@pytest.mark.parametrize(
    ("finding", "wrong"),
    [
        (terms.unreadable("***"), True),
        (terms.unfinished("原因如下：", truncated=False), True),
        (terms.unfinished("Name a product that it is famous for", truncated=False), False),
        (terms.unfinished("The war was ended by", truncated=False), True),
        (terms.wrong_language("请介绍北京的历史和文化。", {"en"}), True),
        (terms.wrong_language("请介绍北京的历史和文化。", {"en", "zh"}), False),
        (terms.wrong_language("找出这句话中的名词：The little girl was delighted.", {"zh"}), False),
        (terms.wrong_language("Donnez-moi trois conseils pour rester en bonne santé.", {"und"}), False),
        (terms.wrong_language("Create a CSS style.", {"en"}), False),
        (terms.leakage("Name a fruit. </task_1>"), True),
        (terms.leakage("Instruction A asks for a fruit."), True),
        (terms.leakage("User: hello"), True),
        (terms.leakage("As an AI language model, I cannot eat."), True),
        (terms.leakage("Write a letter as an AI engineer."), False),
        (terms.leakage("Then, describe a picnic on the beach."), True),
        (terms.leakage("Then, describe a picnic on the beach.", ["Describe a picnic on the beach."]), False),
        (terms.leakage("Name a cultural norm, as in a picnic on the beach."), True),
        (terms.leakage("Explain what an AI assistant is."), False),
        (terms.leakage("Finish this task."), True),
        (terms.leakage("Finish this task.", ["How do I plan this task?"]), False),
        (terms.leakage("User: hello", ["User: hello"]), True),
        (terms.leakage("I'm ready to help. What is next?"), True),
        (terms.leakage("She was always ready to help."), False),
        (terms.leakage("How do I boil an egg? Here is the instruction: boil it."), True),
        (terms.not_a_request("A cat is a wonderful creature.", ["Describe a cat."], {"en"}), True),
        (terms.not_a_request('The answer to "Why is it so?" is that cats purr.', ["Why is it so?"], {"en"}), True),
        (terms.not_a_request("In this sentence, identify the verb.", ["Improve it."], {"en"}), False),
        (terms.not_a_request("Briefly describe a cat.", ["Describe a cat."], {"en"}), False),
        (terms.not_a_request("Fabricate a story.", ["Fabricate a tale.", "What is it?"], {"en"}), False),
        (terms.not_a_request("The cat's name, and why?", ["Describe a cat."], {"en"}), False),
        (terms.not_a_request("A fine cat.", ["Cats, cats, cats."], {"en"}), False),
        (terms.not_a_request("猫是一种可爱的动物。", ["介绍一下猫。"], {"zh"}), True),
        (terms.not_a_request("首先，创建一个列表。然后，将它排序。", ["介绍一下猫。"], {"zh"}), False),
        (terms.not_a_request("Eine Katze ist schön.", ["Beschreibe eine Katze."], {"de"}), False),
        (terms.absent_reference("Complete both tasks."), True),
        (terms.absent_reference("Describe this photo."), True),
        (terms.absent_reference("Explain the link between sleep and health."), False),
        (terms.absent_reference('Say whether the following sentence is "positive".'), True),
        (terms.absent_reference("总结以下文章。"), True),
        (terms.absent_reference("为5岁以下儿童写一个故事。"), False),
        (terms.absent_reference("Fix the following sentence: I has a cat."), False),
        (terms.absent_reference("Name three fruits."), False),
        (terms.repetition(LONG_LOOP), True),
        (terms.repetition("Yes."), False),
        (terms.length_outside(LONG_LOOP, 4, 30), True),
        (terms.copied("Name three fruits. Describe a beach.", ["Name three fruits.", "Describe a beach."]), False),
        (terms.missing("介绍上海的历史", ["北京", "历史"], 1.0), True),
        (terms.missing("介绍北京的历史", ["北京", "历史"], 1.0), False),
        (terms.missing("Er wohnt in einem Haus.", ["häuser"], 1.0, "de"), False),
        (terms.missing("Anything.", [], 1.0), False),
        (terms.one_sided("Ein Haus und eine Ente.", [["häuser"], ["ente"]], ["de", "de"]), False),
    ],
)
def test_a_term_trips_on_what_is_wrong_and_only_on_that(finding, wrong):
    assert (finding.value > 0) is wrong
    assert 0 <= finding.value <= 1


def test_missing_terms_are_named_and_counted():
    assert terms.missing("Describe a beach.", ["beach", "fruit"], 1.0) == (0.5, ["fruit"])


def test_a_leak_names_what_leaked():
    assert terms.leakage("Task 1: a fruit").offending == ["Task 1"]


@pytest.mark.parametrize("piece", ["\n", " \n", ": ", ", ", "；", '"a ', "中", "a'"])
def test_a_long_run_of_anything_is_read_in_one_pass(piece):
    """A check that goes back over it for each of its characters hangs here."""
    text = "Summarise the following article" + piece * 100_000 + "."
    for check in (terms.leakage, terms.absent_reference, terms.repetition):
        check(text)
    terms.unfinished(text, False)
    terms.not_a_request("A fine " + piece * 100_000, ["Name a fruit."], {"en", "zh"})


def test_the_further_outside_its_range_the_worse_a_length():
    assert terms.length_outside("one", 4, 9).value > terms.length_outside("one two three", 4, 9).value


@pytest.mark.parametrize("name", TERMS)
def test_the_page_has_the_term_with_its_weight_and_its_check(name, monkeypatch):
    for check in CHECKS:
        monkeypatch.setattr(terms, check, lambda *_, check=check, **__: terms.Finding(1.0, [check]))
    loss = added(
        instruction_loss(Written("x"), DEMAND, 0.5, LossConfig()),
        answer_loss(Written("x"), "x", DEMAND, 0.5, LossConfig()),
    )
    field = LossConfig.model_fields[name]
    [check] = loss.offending[name]
    assert f"| `{name}` | {field.default} | {field.description} | `{check}` |" in PAGE


@pytest.mark.parametrize("check", CHECKS)
def test_the_page_has_the_check_with_its_examples(check):
    purpose = inspect.getdoc(CHECKS[check]).split("\n\n")[0].replace("\n", " ")
    trips, passes = (next(text for trips, text in examples(check) if trips is kind) for kind in (True, False))
    assert f"| `{check}` | {purpose} | `{trips}` | `{passes}` |" in PAGE


def test_the_settings_that_the_page_shows_are_settings():
    shown = re.findall(r"\b((?:loss|mix)\.\w+=[\w.]+)", PAGE)
    assert shown
    for setting in shown:
        params.load(None, [setting])
