"""Rows become tokens of which only the assistant's carry loss."""

from __future__ import annotations

import json

import polars as pl

from entp.conversation import Message
from entp.records import TRAINING
from entp.train.chat_template import marked_template
from entp.train.examples import IGNORED, NO_ANSWER_LEFT, Encoded, Example, batches, encode
from tests.train.tiny import TOOLS_CHATML, talk, tiny_tokenizer

TOKENIZER = tiny_tokenizer()
TEMPLATE = marked_template(TOKENIZER, "tiny")


CALL = json.dumps([{"type": "function", "function": {"name": "clock", "arguments": {"zone": "UTC"}}}])
TOOLS = json.dumps([{"type": "function", "function": {"name": "clock", "parameters": {}}}])
WITH_TOOLS: list[Message] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Time?"},
    {"role": "assistant", "content": "", "tool_calls": CALL},
    {"role": "tool", "content": "09:00"},
    {"role": "assistant", "content": "Nine.", "reasoning": "It says nine."},
]


def rows(*conversations: list, tools: str | None = None) -> pl.DataFrame:
    return pl.DataFrame([{"messages": messages, "tools": tools} for messages in conversations], schema=TRAINING)


def learnt(encoded: Encoded) -> list[str]:
    """The text that carries loss, run by run, of the first row."""
    runs: list[list[int]] = [[]]
    for label in encoded.examples[0].labels:
        if label != IGNORED:
            runs[-1].append(label)
        elif runs[-1]:
            runs.append([])
    return [TOKENIZER.decode(run) for run in runs if run]


def test_labels_spell_the_answer_and_its_end():
    [example] = encode(TOKENIZER, TEMPLATE, rows(talk(1)), max_length=512).examples
    assert TOKENIZER.decode([label for label in example.labels if label != IGNORED]) == "1, 2, 3, 4.<|im_end|>"
    assert TOKENIZER.decode(example.input_ids) == TOKENIZER.apply_chat_template(talk(1), tokenize=False)


def test_a_long_row_is_cut_and_counted():
    whole = encode(TOKENIZER, TEMPLATE, rows(talk(1)), max_length=512)
    cut = encode(TOKENIZER, TEMPLATE, rows(talk(1)), max_length=whole.tokens - 5)
    assert (whole.cut, cut.cut, cut.unused) == (0, 1, {})
    assert cut.tokens == whole.tokens - 5


def test_a_row_whose_prompt_fills_the_room_is_left_out_and_counted():
    encoded = encode(TOKENIZER, TEMPLATE, rows(talk(1)), max_length=20)
    assert (encoded.examples, encoded.cut, encoded.unused) == ((), 1, {0: NO_ANSWER_LEFT})


def test_batches_hold_every_example_and_no_more_tokens_than_allowed():
    examples = [Example([1] * size, [1] * size) for size in (5, 1, 9, 3, 3, 20)]
    groups = batches(examples, max_tokens=10)
    assert sorted(place for group in groups for place in group) == [0, 1, 2, 3, 4, 5]
    lengths = [[len(examples[place].input_ids) for place in group] for group in groups]
    assert all(len(group) == 1 or len(group) * max(group) <= 10 for group in lengths)


def test_an_answer_that_is_not_learnt_from_carries_no_loss():
    wrong = [*talk(1)[:1], Message(role="assistant", content="Eleven.", learn=False)]
    assert learnt(encode(TOKENIZER, TEMPLATE, rows([*wrong, *talk(2)]), max_length=512)) == ["2, 3, 4, 5.<|im_end|>"]


def test_every_answer_that_is_learnt_from_carries_loss():
    assert learnt(encode(TOKENIZER, TEMPLATE, rows([*talk(1), *talk(2)]), max_length=512)) == [
        "1, 2, 3, 4.<|im_end|>",
        "2, 3, 4, 5.<|im_end|>",
    ]


def test_calls_and_reasoning_are_learnt_where_the_template_has_them():
    tokenizer = tiny_tokenizer(TOOLS_CHATML)
    template = marked_template(tokenizer, "tiny")
    encoded = encode(tokenizer, template, rows(WITH_TOOLS, tools=TOOLS), max_length=2048)
    call, answer = learnt(encoded)
    assert json.loads(call.removeprefix("<tool_call>").removesuffix("</tool_call><|im_end|>")) == {
        "name": "clock", "arguments": {"zone": "UTC"},
    }  # fmt: skip
    assert answer == "<think>It says nine.</think>Nine.<|im_end|>"
    whole = tokenizer.decode(encoded.examples[0].input_ids)
    assert '"name": "clock"' in whole.partition("Time?")[0]
    assert "09:00" in whole


def test_a_row_of_which_the_template_leaves_something_out_is_not_used():
    cases = [
        (rows(WITH_TOOLS, tools=TOOLS), "the chat template leaves out tools"),
        (rows(WITH_TOOLS), "the chat template leaves out calls of tools"),
        (rows([*talk(1)[:1], WITH_TOOLS[-1]]), "the chat template leaves out reasoning"),
    ]
    for table, reason in cases:
        assert encode(TOKENIZER, TEMPLATE, table, max_length=2048).unused == {0: reason}


def test_a_conversation_that_the_template_refuses_is_not_used():
    strict = TOOLS_CHATML.replace(
        "{%- for message", "{%- if tools %}{{ raise_exception('no tools') }}{% endif %}{%- for message"
    )
    tokenizer = tiny_tokenizer(strict)
    encoded = encode(tokenizer, marked_template(tokenizer, "tiny"), rows(talk(1), tools=TOOLS), max_length=512)
    assert encoded.unused == {0: "the chat template refuses it: no tools"}
