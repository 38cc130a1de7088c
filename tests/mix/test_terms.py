"""Each term of the symbolic loss, by what trips it and what passes."""

from __future__ import annotations

import pytest

from entp.mix import terms

LONG_LOOP = "It is red. " * 12


@pytest.mark.parametrize(
    ("finding", "wrong"),
    [
        (terms.unreadable(""), True),
        (terms.unreadable("***"), True),
        (terms.unreadable("Name three fruits."), False),
        (terms.unfinished("Paris", truncated=False), False),
        (terms.unfinished("Paris", truncated=True), True),
        (terms.unfinished("The causes are the war and the", truncated=False), True),
        (terms.unfinished("原因如下：", truncated=False), True),
        (terms.wrong_language("Donnez-moi trois conseils pour rester en bonne santé.", {"en"}), True),
        (terms.wrong_language("Give me three tips for staying healthy.", {"en"}), False),
        (terms.wrong_language("请介绍北京的历史和文化。", {"en"}), True),
        (terms.wrong_language("请介绍北京的历史和文化。", {"en", "zh"}), False),
        (terms.wrong_language("Donnez-moi trois conseils pour rester en bonne santé.", {"und"}), False),
        (terms.leakage("Task 1: name three fruits."), True),
        (terms.leakage("Name a fruit. </task_1>"), True),
        (terms.leakage("Instruction A asks for a fruit."), True),
        (terms.leakage("User: hello"), True),
        (terms.leakage("As an AI language model, I cannot eat."), True),
        (terms.leakage("Then, describe a picnic on the beach."), True),
        (terms.leakage("Then, describe a picnic on the beach.", ["Describe a picnic on the beach."]), False),
        (terms.leakage("Name one task and two fruits."), False),
        (terms.leakage("Explain what an AI assistant is."), False),
        (terms.leakage("Finish this task."), True),
        (terms.leakage("Finish this task.", ["How do I plan this task?"]), False),
        (terms.leakage("User: hello", ["User: hello"]), True),
        (terms.leakage("I'm ready to help. What is next?"), True),
        (terms.not_a_request("To improve it, you could add a comma.", ["Improve it."], {"en"}), True),
        (terms.not_a_request("A cat is a wonderful creature.", ["Describe a cat."], {"en"}), True),
        (terms.not_a_request("First, improve it. Then, add a comma.", ["Improve it."], {"en"}), False),
        (terms.not_a_request("In this sentence, identify the verb.", ["Improve it."], {"en"}), False),
        (terms.not_a_request("Fabricate a story.", ["Fabricate a tale.", "What is it?"], {"en"}), False),
        (terms.not_a_request("The cat's name, and why?", ["Describe a cat."], {"en"}), False),
        (terms.not_a_request("A fine cat.", ["Cats, cats, cats."], {"en"}), False),
        (terms.not_a_request("猫是一种可爱的动物。", ["介绍一下猫。"], {"zh"}), True),
        (terms.not_a_request("介绍一下猫，并说明它吃什么。", ["介绍一下猫。"], {"zh"}), False),
        (terms.not_a_request("Eine Katze ist schön.", ["Beschreibe eine Katze."], {"de"}), False),
        (terms.absent_reference("Summarise the following article."), True),
        (terms.absent_reference("Complete both tasks."), True),
        (terms.absent_reference("总结以下文章。"), True),
        (terms.absent_reference("Summarise the following article: The town hall burned down on Monday."), False),
        (terms.absent_reference("Fix the following sentence: I has a cat."), False),
        (terms.absent_reference("Name three fruits."), False),
        (terms.repetition(LONG_LOOP), True),
        (terms.repetition("It is red when it is ripe, and green before that."), False),
        (terms.repetition("Yes."), False),
        (terms.length_outside("Yes.", 4, 40), True),
        (terms.length_outside(LONG_LOOP, 4, 30), True),
        (terms.length_outside("Name three fruits and three trees.", 4, 40), False),
        (terms.copied("Name three fruits.", ["Name three fruits."]), True),
        (terms.copied("Name three fruits, then describe a beach.", ["Name three fruits."]), False),
        (terms.copied("Name three fruits. Describe a beach.", ["Name three fruits.", "Describe a beach."]), False),
        (terms.missing("Describe a beach.", ["fruit", "vitamins"], 1.0), True),
        (terms.missing("Which vitamin do fruits hold?", ["fruit", "vitamins"], 1.0), False),
        (terms.missing("Which fruits?", ["fruit", "vitamins"], 0.5), False),
        (terms.missing("介绍上海的历史", ["北京", "历史"], 1.0), True),
        (terms.missing("介绍北京的历史", ["北京", "历史"], 1.0), False),
        (terms.missing("Anything.", [], 1.0), False),
        (terms.one_sided("Name three fruits.", [["fruits"], ["beach"]]), True),
        (terms.one_sided("Name three fruits to eat on a beach.", [["fruits"], ["beach"]]), False),
        (terms.doubt(0.2), True),
        (terms.doubt(0.7), False),
    ],
)
def test_a_term_trips_on_what_is_wrong_and_only_on_that(finding, wrong):
    assert (finding.value > 0) is wrong
    assert 0 <= finding.value <= 1


def test_missing_terms_are_named_and_counted():
    assert terms.missing("Describe a beach.", ["beach", "fruit"], 1.0) == (0.5, ["fruit"])


def test_a_leak_names_what_leaked():
    assert terms.leakage("Task 1: a fruit").offending == ["Task 1"]


def test_the_further_outside_its_range_the_worse_a_length():
    assert terms.length_outside("one", 4, 9).value > terms.length_outside("one two three", 4, 9).value
