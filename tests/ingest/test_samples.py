"""What a canonical sample carries beside its messages, and how rows are counted."""

from __future__ import annotations

import pytest

from entp import store
from entp.errors import DataError
from entp.ingest import tables as ingest_tables
from entp.ingest.reasons import REASONS
from entp.records import content_id
from tests.ingest.reading import ingest, ingest_rows

ROW = {"prompt": "How do I boil an egg for breakfast?", "completion": "Boil it for eight minutes, then cool it."}
CHINESE = {"prompt": "怎么煮鸡蛋？", "completion": "煮八分钟。"}


def test_the_id_is_the_digest_of_the_content(tmp_path):
    tables = ingest_rows(tmp_path, ROW)
    assert tables.samples["id"][0] == content_id(tables.samples["messages"][0].to_list())


def test_the_source_is_the_rows_own_or_the_files_name(tmp_path):
    assert ingest_rows(tmp_path, {**ROW, "source": "kitchen"}, CHINESE).samples["source"].to_list() == [
        "kitchen",
        "rows",
    ]


def test_another_column_can_name_the_source(tmp_path):
    assert ingest_rows(tmp_path, {**ROW, "set": "kitchen"}, source_column="set").samples["source"][0] == "kitchen"


def test_the_language_is_told_from_the_text(tmp_path):
    assert ingest_rows(tmp_path, ROW, CHINESE).samples["language"].to_list() == ["en", "zh"]


def test_a_stated_language_code_wins_but_a_programming_language_does_not(tmp_path):
    stated = ingest_rows(tmp_path, {**ROW, "lang": "zh-CN"}, {**CHINESE, "language": "python"})
    assert stated.samples["language"].to_list() == ["zh", "zh"]
    assert ingest_rows(tmp_path, {**ROW, "language": "python"}).samples["language"].to_list() == ["en"]


def test_meta_tells_the_position_and_keeps_other_columns(tmp_path):
    row = {**ROW, "id": 7, "score": 0.5, "tags": ["a"], "note": None, "file": "theirs"}
    meta = ingest_rows(tmp_path, CHINESE, row).meta[1]
    assert meta == {"file": "rows.jsonl", "row": 2, "id": 7, "score": 0.5, "tags": ["a"], "input_file": "theirs"}


def test_a_repeated_row_is_kept_once_and_listed(tmp_path):
    tables = ingest_rows(tmp_path, ROW, {**ROW, "source": "copy"})
    assert tables.samples.height == 1
    assert tables.repeats.select("id", "source").rows() == [(tables.samples["id"][0], "copy")]


def test_every_row_is_counted_exactly_once(tmp_path):
    metrics = ingest_rows(tmp_path, ROW, ROW, CHINESE, {"prompt": "?"}, {"prompt": "?"}).summary.metrics
    assert metrics == {
        "rows_read": 5,
        "samples": 2,
        "preferences": 0,
        "repeats": 1,
        "quarantined": 2,
        "kept_ratio": 0.4,
        "quarantined/missing_response": 2,
    }


def test_raw_text_in_quarantine_is_cut(tmp_path):
    raw = ingest_rows(tmp_path, ROW, {"prompt": "x" * 5000}).quarantine["raw"][0]
    assert raw.startswith('{"prompt": "xxx')
    assert len(raw) == 2000


def test_an_ingest_without_bad_rows_has_an_empty_quarantine_table(tmp_path):
    assert ingest_rows(tmp_path, ROW).quarantine.height == 0


def test_nothing_readable_names_the_commonest_reasons(tmp_path):
    with pytest.raises(DataError, match=r"none of its 3 rows can be read; reasons: missing_response 2 .*, empty 1"):
        ingest_rows(tmp_path, {"prompt": "?"}, {"prompt": "?"}, {"prompt": "", "completion": ""}, format="auto")


def test_too_few_readable_rows_fail_by_the_configured_floor(tmp_path):
    with pytest.raises(DataError, match=r"only 1 of 2 rows.*ingest\.min_kept_ratio"):
        ingest_rows(tmp_path, ROW, {"prompt": "?"}, min_kept_ratio=0.6)


def test_a_failed_ingest_leaves_the_dataset_before_it(tmp_path):
    first = ingest_rows(tmp_path, ROW)
    with pytest.raises(DataError):
        ingest_rows(tmp_path, {"other": 1})
    assert store.read(tmp_path / "out" / "ingest", "samples").equals(first.samples)


def test_big_tables_are_written_in_parts_and_read_back_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(ingest_tables, "ROWS_PER_PART", 10)
    rows = [{"prompt": f"Question {number}?", "completion": "Yes."} for number in range(25)]
    tables = ingest_rows(tmp_path, *rows)
    assert len(list((tmp_path / "out" / "ingest" / "samples").iterdir())) == 3
    assert [turns[0][1] for turns in tables.turns] == [row["prompt"] for row in rows]


def test_two_ingests_of_the_same_files_are_byte_identical(tmp_path):
    ingest_rows(tmp_path, ROW, CHINESE, ROW, {"prompt": "?"})
    output = tmp_path / "out" / "ingest"
    first = {path.name: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    ingest(tmp_path / "rows.jsonl")
    assert {path.name: path.read_bytes() for path in output.rglob("*") if path.is_file()} == first


def test_every_reason_is_listed_with_its_meaning():
    assert all(name.isidentifier() and meaning for name, meaning in REASONS.items())
