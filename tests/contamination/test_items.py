from __future__ import annotations

import json

import polars as pl
import pytest

from entp.contamination.items import built_in_items, read_items
from entp.errors import DataError, UsageError

QUESTION = "Why does the moon look larger near the horizon?"


def test_what_an_item_asks_is_read_from_every_format(tmp_path):
    row = {"question": QUESTION, "choices": ["an illusion", "it is nearer"], "answer": 0}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n" + json.dumps(row) + "\n")
    (tmp_path / "b.json").write_text(json.dumps([row]))
    pl.DataFrame([row]).write_parquet(tmp_path / "c.parquet")
    items = read_items([tmp_path])
    assert [(item.benchmark, item.row) for item in items] == [
        ("a.jsonl", 1),
        ("a.jsonl", 2),
        ("b.json", 1),
        ("c.parquet", 1),
    ]
    assert {item.texts for item in items} == {(QUESTION,)}


def test_without_a_column_that_asks_every_text_counts(tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps({"Body": {"lines": [QUESTION, "It does so every night."]}}) + "\n")
    assert read_items([tmp_path / "a.jsonl"])[0].texts == (QUESTION, "It does so every night.")


def test_a_row_that_cannot_be_read_is_an_error_with_file_row_and_remedy(tmp_path):
    path = tmp_path / "broken.jsonl"
    path.write_text(json.dumps({"question": QUESTION}) + '\n{"question": \n')
    with pytest.raises(DataError, match=r"broken\.jsonl, row 2: .*invalid_json.*mend the file"):
        read_items([path])


def test_a_cut_parquet_file_is_an_error_with_its_name(tmp_path):
    path = tmp_path / "cut.parquet"
    pl.DataFrame({"question": [QUESTION] * 50}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"cut\.parquet: this evaluation file cannot be read"):
        read_items([path])


def test_a_file_without_items_is_an_error(tmp_path):
    (tmp_path / "numbers.jsonl").write_text('{"id": "7"}\n')
    with pytest.raises(DataError, match=r"numbers\.jsonl: no text of 4 words"):
        read_items([tmp_path / "numbers.jsonl"])


def test_a_path_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="no such file or folder"):
        read_items([tmp_path / "absent.jsonl"])


def test_the_built_in_tasks_are_items():
    assert {item.benchmark for item in built_in_items()} == {
        "entp_arithmetic.jsonl",
        "entp_instructions.jsonl",
        "entp_knowledge.jsonl",
    }
