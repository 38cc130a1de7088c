"""Given a row of each format, these messages come out."""

from __future__ import annotations

import json

import pytest

from entp.errors import DataError
from tests.ingest.reading import ingest_rows

ASKED = [("user", "Why?"), ("assistant", "Because.")]


@pytest.mark.parametrize(
    "row",
    [
        {"instruction": "Why?", "input": "", "output": "Because."},
        {"instruction": "Why?", "output": "Because."},
        {"instruction": "Why?", "context": None, "response": "Because."},
        {"prompt": "Why?", "completion": "Because."},
        {"prompt": [{"role": "user", "content": "Why?"}], "completion": [{"role": "assistant", "content": "Because."}]},
        {"question": "Why?", "answer": "Because."},
        {"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]},
        {"messages": '[{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]'},
        {"chat": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "Because."}]},
        {"conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "Because."}]},
        {"chat": json.dumps({"turn_1": {"Human": "<|Human|>: Why?<eoh>\n", "MOSS": "<|MOSS|>: Because.<eom>\n"}})},
    ],
)
def test_every_format_gives_the_same_exchange(tmp_path, row):
    assert ingest_rows(tmp_path, row).turns == [ASKED]


def test_the_same_exchange_has_the_same_id_in_every_format(tmp_path):
    alpaca = {"instruction": "Why?", "output": "Because."}
    plain = {"prompt": "Why?", "completion": "Because."}
    tables = ingest_rows(tmp_path, alpaca, plain)
    assert tables.repeats["id"].to_list() == tables.samples["id"].to_list()


def test_alpaca_input_follows_the_instruction(tmp_path):
    tables = ingest_rows(tmp_path, {"instruction": "Shorten this.", "input": "A long line.", "output": "A line."})
    assert tables.turns == [[("user", "Shorten this.\n\nA long line."), ("assistant", "A line.")]]


def test_alpaca_history_and_system_come_before_the_question(tmp_path):
    row = {"instruction": "And now?", "output": "Now too.", "history": [["Then?", "Then."]], "system": "Be brief."}
    assert ingest_rows(tmp_path, row).turns == [
        [
            ("system", "Be brief."),
            ("user", "Then?"),
            ("assistant", "Then."),
            ("user", "And now?"),
            ("assistant", "Now too."),
        ]
    ]


def test_a_rationale_comes_before_the_answer(tmp_path):
    row = {"question": "2 + 2 + 1?", "answer": 5, "rationale": "2 + 2 = 4, 4 + 1 = 5."}
    assert ingest_rows(tmp_path, row).turns == [[("user", "2 + 2 + 1?"), ("assistant", "2 + 2 = 4, 4 + 1 = 5.\n\n5")]]


def test_text_parts_are_put_together_and_image_parts_refused(tmp_path):
    said = {"role": "assistant", "content": "A cat."}
    text = {"messages": [{"role": "user", "content": [{"type": "text", "text": "Who?"}]}, said]}
    image = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}, said]}
    tables = ingest_rows(tmp_path, text, image)
    assert tables.turns == [[("user", "Who?"), ("assistant", "A cat.")]]
    assert tables.reasons == [(2, "needs_media")]


def test_content_is_kept_character_for_character(tmp_path):
    answer = "  Cafe\u0301 itâ€™s\r\n\x07 done \n"
    assert ingest_rows(tmp_path, {"prompt": "Say it.", "completion": answer}).turns[0][1] == ("assistant", answer)


GOOD = {"instruction": "Why?", "input": "", "output": "Because."}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"instruction": "Why?"}, "missing_response"),
        ({"instruction": "Why?", "output": None}, "missing_response"),
        ({"instruction": None, "output": "Because."}, "missing_prompt"),
        ({"instruction": " ", "output": "Because."}, "missing_prompt"),
        ({"instruction": "", "output": ""}, "empty"),
        ({"instruction": "Why?", "output": ["Because."]}, "not_text"),
        ({"instruction": "Why?", "output": True}, "not_text"),
        ({"instruction": "Why?", "output": "B" * 5000}, "too_long"),
        ({"instruction": "Why?", "output": "half a pair \ud83d"}, "wrong_encoding"),
        ({"messages": "[{"}, "invalid_json"),
        ({"messages": []}, "no_assistant_turn"),
        ({"messages": [{"role": "user", "content": "Why?"}]}, "no_assistant_turn"),
        ({"conversations": [{"from": "gpt", "value": "Hello."}]}, "wrong_role_order"),
        ({"conversations": [{"from": who, "value": "x"} for who in ("human", "human", "gpt")]}, "wrong_role_order"),
        ({"conversations": [{"from": who, "value": "x"} for who in ("human", "gpt", "human")]}, "missing_response"),
        ({"conversations": [{"from": who, "value": "x"} for who in ("human", "narrator", "gpt")]}, "unknown_role"),
        ({"conversations": [{"from": who, "value": "x"} for who in ("human", "function", "gpt")]}, "wrong_role_order"),
        (
            {"chat": {"turn_1": {"Human": "Time?", "Commands": "<|Commands|>: clock()<eoc>", "MOSS": "9"}}},
            "unreadable_tools",
        ),
        ("just text", "not_an_object"),
        ({"something": "else"}, "missing_prompt"),
    ],
)
def test_a_bad_row_is_quarantined_with_its_reason(tmp_path, row, reason):
    tables = ingest_rows(tmp_path, GOOD, row, max_characters=4000)
    assert tables.turns == [ASKED]
    assert tables.reasons == [(2, reason)]


def test_an_empty_response_is_a_sample_for_the_purge_to_judge(tmp_path):
    assert ingest_rows(tmp_path, {"instruction": "Why?", "output": ""}).turns == [[("user", "Why?"), ("assistant", "")]]


def test_rows_of_several_shapes_may_share_a_file(tmp_path):
    tables = ingest_rows(tmp_path, GOOD, {"question": "How?", "answer": "So."})
    assert tables.turns[1] == [("user", "How?"), ("assistant", "So.")]


def test_a_configured_format_is_the_only_one_accepted(tmp_path):
    with pytest.raises(DataError, match="columns found: instruction, input, output; accepted:\n  sharegpt"):
        ingest_rows(tmp_path, GOOD, format="sharegpt")


def test_an_unknown_shape_names_the_columns_and_what_is_accepted(tmp_path):
    with pytest.raises(DataError, match=r"(?s)rows\.jsonl.*columns found: a, b; accepted:.*question_answer"):
        ingest_rows(tmp_path, {"a": 1, "b": 2})
