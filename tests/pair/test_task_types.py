from __future__ import annotations

from typing import get_args

import pytest

from entp.config import PairConfig
from entp.pair.strategies import STRATEGIES
from entp.pair.task_rules import RULES, SMALL_TALK
from entp.pair.task_types import task_type
from entp.records import TASK_TYPES

EXAMPLES = {
    "translation": [
        "Translate the sentence below to Spanish.",
        "How do you say thank you in Greek?",
        "把这句话翻译成英文。",
    ],
    "coding": [
        "Write a Python function that adds two numbers.",
        "How do I sort a list in Python?",
        "Fix this: ```print(x```",
        "编写一个程序来计算素数。",
    ],
    "mathematics": [
        "Calculate the average of 3, 4 and 8.",
        "Convert 4 miles to kilometres.",
        "What is 3/4 plus 1/8?",
        "Anna has 3 apples and eats 1. How many apples does she have?",
        "求这个圆的面积。",
        "小明有3个苹果，吃了1个，还剩几个？",
    ],
    "summarisation": ["Given the text below, write a summary of it.", "Summarize the plot.", "总结下面的文章。"],
    "rewriting": [
        "Take this sentence and make it more polite.",
        "Could you please rephrase it?",
        "Convert the sentence to the passive voice.",
        "将下列句子改写得更正式。",
    ],
    "classification": [
        "Classify the animal as a mammal or a bird.",
        "Given a review, identify its sentiment.",
        "Is the following statement true?",
        "将以下动物分类。",
        "判断这句话的情感。",
    ],
    "extraction": ["Find all the dates in the text.", "Extract the names.", "从文本中提取关键词。"],
    "brainstorming": ["List five uses of AI.", "Give me three ideas for a party.", "给出三个建议。", "列出五种水果。"],
    "generation": ["Write a poem about rain.", "Come up with a slogan for a bakery.", "写一首关于雨的诗。"],
    "question_answering": [
        "Why is the sky blue?",
        "Explain photosynthesis in one sentence.",
        "Name the capital of Chile. The answer is one word.",
        "如何写一封信？",
        "解释光合作用。",
    ],
    "conversation": ["Hello there!", "I feel sad today.", "你好！"],
    "other": ["Vaccinations are important for our health.", "夜空繁星，诗意盎然。", "", "Beschreibe den Mond."],
}


@pytest.mark.parametrize(("wanted", "said"), [(name, said) for name, all_said in EXAMPLES.items() for said in all_said])
def test_the_task_is_told_by_what_the_user_says(wanted, said):
    assert task_type(said) == wanted


def test_the_task_may_come_after_the_text():
    text = "The committee met on Monday. " * 200
    assert task_type(text + "Summarize the text above.") == "summarisation"


def test_a_dialogue_that_asks_nothing_is_conversation():
    assert task_type("The weather was fine.", turns=2) == "conversation"
    assert task_type("Write a poem.", turns=2) == "generation"


def test_a_text_as_long_as_a_book_is_no_trouble():
    assert task_type("1 how many " * 100_000) in TASK_TYPES


def test_every_type_has_a_rule_and_an_example_and_no_rule_an_unknown_type():
    assert {rule.task_type for rule in (*RULES, SMALL_TALK)} | {"other"} == set(TASK_TYPES) == set(EXAMPLES)


def test_every_strategy_of_the_configuration_is_in_the_table():
    assert set(STRATEGIES) == set(get_args(PairConfig.model_fields["strategy"].annotation))
