from __future__ import annotations

import pytest

from entp.llm.client import Choose, Generate, LogLikelihood, user
from entp.llm.lengths import guessed_tokens, length

ENGLISH = "The kettle was still warm, so somebody must have been here. "
CHINESE = "水壶还是温的，所以一定有人来过这里。"


def test_a_chinese_text_counts_more_than_an_english_one_of_as_many_characters():
    assert guessed_tokens(CHINESE * 10) > 3 * guessed_tokens((ENGLISH * 10)[: len(CHINESE * 10)])


def test_what_is_to_be_written_goes_before_what_is_to_be_read():
    assert length(Generate(user("short"), 9)) > length(Generate(user(ENGLISH), 8))
    assert length(Choose(user(ENGLISH), ("0", "1"))) > length(Choose(user("short"), ("0", "1")))


def test_a_continuation_is_read_too():
    assert length(LogLikelihood(user("Why?"), ENGLISH)) > length(LogLikelihood(user("Why?"), "Because."))


@pytest.mark.model
@pytest.mark.parametrize("text", [ENGLISH * 10, CHINESE * 10, "def area(r):\n    return 3.14159 * r ** 2\n" * 10])
def test_the_guess_is_near_the_embedded_models_count(text):
    from transformers import AutoTokenizer

    from entp.llm.embedded import embedded_language_model

    tokens = len(AutoTokenizer.from_pretrained(embedded_language_model()).encode(text))
    assert guessed_tokens(text) == pytest.approx(tokens, rel=0.25)
