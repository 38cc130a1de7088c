"""Rows become tokens of which only the assistant's carry loss."""

from __future__ import annotations

import polars as pl

from entp.records import TRAINING
from entp.train.chat_template import marked_template
from entp.train.examples import IGNORED, Example, batches, encode
from tests.train.tiny import talk, tiny_tokenizer

TOKENIZER = tiny_tokenizer()
TEMPLATE = marked_template(TOKENIZER, "tiny")


def rows(*conversations: list) -> pl.DataFrame:
    return pl.DataFrame([{"messages": messages} for messages in conversations], schema=TRAINING)


def test_labels_spell_the_answer_and_its_end():
    [example] = encode(TOKENIZER, TEMPLATE, rows(talk(1)), max_length=512).examples
    assert TOKENIZER.decode([label for label in example.labels if label != IGNORED]) == "1, 2, 3, 4.<|im_end|>"
    assert TOKENIZER.decode(example.input_ids) == TOKENIZER.apply_chat_template(talk(1), tokenize=False)


def test_a_long_row_is_cut_and_counted():
    whole = encode(TOKENIZER, TEMPLATE, rows(talk(1)), max_length=512)
    cut = encode(TOKENIZER, TEMPLATE, rows(talk(1)), max_length=whole.tokens - 5)
    assert (whole.cut, cut.cut, cut.unusable) == (0, 1, 0)
    assert cut.tokens == whole.tokens - 5


def test_a_row_whose_prompt_fills_the_room_is_left_out_and_counted():
    encoded = encode(TOKENIZER, TEMPLATE, rows(talk(1)), max_length=20)
    assert (encoded.examples, encoded.cut, encoded.unusable) == ((), 1, 1)


def test_batches_hold_every_example_and_no_more_tokens_than_allowed():
    examples = [Example([1] * size, [1] * size) for size in (5, 1, 9, 3, 3, 20)]
    groups = batches(examples, max_tokens=10)
    assert sorted(place for group in groups for place in group) == [0, 1, 2, 3, 4, 5]
    lengths = [[len(examples[place].input_ids) for place in group] for group in groups]
    assert all(len(group) == 1 or len(group) * max(group) <= 10 for group in lengths)
