"""Containers: what each file format gives, and that a broken row costs only itself."""

from __future__ import annotations

import gzip
import json

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from entp.errors import DataError
from entp.ingest.readers import json_document
from tests.ingest.reading import ingest, ingest_text

ROWS = [{"question": f"Is {number} even?", "answer": f"No, {number} is odd.", "id": number} for number in (1, 3, 5)]
ASKED = [[("user", row["question"]), ("assistant", row["answer"])] for row in ROWS]
LINES = "\n".join(json.dumps(row) for row in ROWS)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", LINES),
        ("a.ndjson", LINES.replace("\n", "\r\n\r\n")),
        ("a.json", LINES),
        ("a.json", json.dumps(ROWS)),
        ("a.json", json.dumps(ROWS, indent=2)),
        ("a.jsonl", json.dumps(ROWS)),
        ("a.json", json.dumps({"version": 1, "data": ROWS})),
        ("a.json", json.dumps({"train": ROWS[:2], "test": ROWS[2:]})),
        ("a.json", json.dumps({f"q{row['id']}": row for row in ROWS}, indent=1)),
        ("a.json", "\n".join(json.dumps(row, indent=1) for row in ROWS)),
        ("a.jsonl", "\ufeff" + LINES),
        ("a.csv", "question,answer,id\r\n" + "".join(f'{r["question"]},"{r["answer"]}",1\r\n' for r in ROWS)),
        ("a.csv", "question;answer\n" + "".join(f"{r['question']};{r['answer']}\n\n" for r in ROWS)),
        ("a.tsv", "question\tanswer\n" + "".join(f"{r['question']}\t{r['answer']}\n" for r in ROWS)),
    ],
)
def test_every_text_container_gives_its_rows(tmp_path, name, content):
    assert ingest_text(tmp_path, name, content).turns == ASKED


@pytest.mark.parametrize(
    ("name", "compress"),
    [("a.jsonl.gz", gzip.compress), ("a.jsonl.zst", lambda data: pa.compress(data, codec="zstd", asbytes=True))],
)
def test_compressed_text_is_unpacked(tmp_path, name, compress):
    assert ingest_text(tmp_path, name, compress(LINES.encode())).turns == ASKED


def test_parquet_gives_its_rows_and_nested_turns(tmp_path):
    turns = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    pl.DataFrame({"messages": [turns]}).write_parquet(tmp_path / "a.parquet")
    assert ingest(tmp_path / "a.parquet").turns == [[("user", "Why?"), ("assistant", "So.")]]


def test_parquet_may_be_compressed_as_a_whole(tmp_path):
    pl.DataFrame(ROWS).write_parquet(tmp_path / "a.parquet")
    packed = gzip.compress((tmp_path / "a.parquet").read_bytes())
    assert ingest_text(tmp_path, "b.parquet.gz", packed).turns == ASKED


def test_a_parquet_row_with_bytes_that_are_not_text_costs_only_itself(tmp_path):
    answers = pa.array([b"Fine.", b"caf\xe9", b"Good."]).view(pa.binary()).cast(pa.string(), safe=False)
    pq.write_table(pa.table({"question": ["One?", "Two?", "Three?"], "answer": answers}), tmp_path / "a.parquet")
    tables = ingest(tmp_path / "a.parquet")
    assert tables.reasons == [(2, "wrong_encoding")]
    assert tables.samples.height == 2


def test_positions_are_lines_elements_or_rows(tmp_path):
    assert [meta["row"] for meta in ingest_text(tmp_path, "a.jsonl", "\n" + LINES).meta] == [2, 3, 4]
    assert [meta["row"] for meta in ingest_text(tmp_path, "a.json", json.dumps(ROWS)).meta] == [1, 2, 3]
    table = "question,answer\nA?,a\n\n" + '"B\nC?",b\n' + "D?,d\n"
    assert [meta["row"] for meta in ingest_text(tmp_path, "a.csv", table).meta] == [1, 2, 3]


def test_a_broken_json_line_costs_only_itself(tmp_path):
    first, second, third = LINES.split("\n")
    tables = ingest_text(tmp_path, "a.jsonl", "\n".join([first, second[:-1], third]))
    assert tables.turns == [ASKED[0], ASKED[2]]
    assert tables.quarantine.rows() == [("a.jsonl", 2, "a", "invalid_json", second[:-1])]


@pytest.mark.parametrize(
    "broken", ['{"question": "Is 3 even?" "answer": "No."}', '{"question": "Is 3 even?, "answer": 1}']
)
def test_a_broken_array_element_costs_only_itself(tmp_path, broken):
    elements = [json.dumps(ROWS[0]), broken, json.dumps(ROWS[2])]
    tables = ingest_text(tmp_path, "a.json", f"[{', '.join(elements)}]")
    assert tables.turns == [ASKED[0], ASKED[2]]
    assert tables.quarantine.select("line", "reason", "raw").rows() == [(2, "invalid_json", broken)]


def test_turns_inside_a_broken_conversation_are_not_taken_for_rows(tmp_path):
    row = {"conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]}
    broken = json.dumps(row).replace("[", '["', 1)
    tables = ingest_text(tmp_path, "a.json", f"[{json.dumps(row)}, {broken}, {json.dumps(row)}]")
    assert (tables.samples.height, tables.repeats.height, tables.reasons) == (1, 1, [(2, "invalid_json")])


def test_an_array_cut_off_by_a_broken_download_keeps_what_is_whole(tmp_path):
    tables = ingest_text(tmp_path, "a.json", json.dumps(ROWS)[:-20])
    assert tables.turns == ASKED[:2]
    assert tables.reasons == [(3, "invalid_json")]


def test_an_array_longer_than_the_window_is_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(json_document, "CHUNK", 7)
    rows = [{"question": f'"{number}" \\ é 好?', "answer": "x" * number} for number in range(1, 60)]
    tables = ingest_text(tmp_path, "a.json", json.dumps(rows))
    assert [turns[1][1] for turns in tables.turns] == [row["answer"] for row in rows]


def test_one_conversation_as_a_whole_document_is_one_row(tmp_path):
    row = {"conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]}
    assert ingest_text(tmp_path, "a.json", json.dumps(row, indent=1)).turns == [
        [("user", "Why?"), ("assistant", "So.")]
    ]


def test_an_unclosed_quote_in_csv_costs_only_its_line(tmp_path):
    table = 'question,answer\nA?,a\nB?,"b\nC?,c\n"D\nD?",d\nE?,e\n'
    tables = ingest_text(tmp_path, "a.csv", table)
    assert [turns[0][1] for turns in tables.turns] == ["A?", "C?", "D\nD?", "E?"]
    assert tables.quarantine.select("line", "reason", "raw").rows() == [(2, "invalid_csv", 'B?,"b')]


def test_a_csv_row_with_a_cell_too_many_is_quarantined(tmp_path):
    tables = ingest_text(tmp_path, "a.csv", "question,answer\nA?,a\nB?,b, c\n")
    assert tables.reasons == [(2, "wrong_column_count")]


def test_a_column_named_twice_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"a\.csv: the header names the column 'answer' twice"):
        ingest_text(tmp_path, "a.csv", "question,answer,answer\nA?,a,b\n")


def test_one_line_in_another_encoding_costs_only_itself(tmp_path):
    lines = [line.encode() for line in LINES.split("\n")]
    tables = ingest_text(tmp_path, "a.jsonl", b"\n".join([lines[0], lines[1].replace(b"odd", b"\xe9"), lines[2]]))
    assert tables.reasons == [(2, "wrong_encoding")]
    assert "\\udce9" in tables.quarantine["raw"][0]


def test_a_file_in_another_encoding_names_the_byte_and_the_remedy(tmp_path):
    table = "question,answer\n" + "Où est le café?,À côté.\n" * 3
    with pytest.raises(DataError, match=r"a\.csv: not UTF-8 \(first bad byte at offset 17\).*iconv -f WINDOWS-1252"):
        ingest_text(tmp_path, "a.csv", table.encode("latin-1"))


def test_a_header_in_another_encoding_is_told_before_its_columns_are(tmp_path):
    with pytest.raises(DataError, match=r"a\.csv: not UTF-8 \(first bad byte at offset 0\)"):
        ingest_text(tmp_path, "a.csv", "问题,回答\n为什么？,因为。\n".encode("gb18030"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_a_utf_16_file_names_the_remedy(tmp_path, encoding):
    with pytest.raises(DataError, match=r"UTF-16.*iconv -f UTF-16 -t UTF-8 a\.jsonl"):
        ingest_text(tmp_path, "a.jsonl", LINES.encode(encoding))


def test_a_parquet_file_under_another_ending_is_told(tmp_path):
    with pytest.raises(DataError, match=r"a\.json: its content is not text but \.parquet"):
        ingest_text(tmp_path, "a.json", b"PAR1" + bytes(50))


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl.gz", "a.json.zst", "a.csv.gz"])
def test_a_damaged_file_is_named(tmp_path, name):
    with pytest.raises(DataError, match=rf"{name}: cannot be read to its end"):
        ingest_text(tmp_path, name, b"neither of them")


def test_a_truncated_archive_is_named(tmp_path):
    with pytest.raises(DataError, match=r"a\.jsonl\.gz: cannot be read to its end"):
        ingest_text(tmp_path, "a.jsonl.gz", gzip.compress(LINES.encode())[:-12])


@pytest.mark.parametrize(
    ("name", "content"), [("a.jsonl", ""), ("a.json", "[]"), ("a.csv", "question,answer\n"), ("a.json", " ")]
)
def test_a_file_without_rows_is_an_error(tmp_path, name, content):
    with pytest.raises(DataError, match=f"{name}: no rows in it"):
        ingest_text(tmp_path, name, content)
