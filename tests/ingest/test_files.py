"""Which files are read, in which order, under which names."""

from __future__ import annotations

import pytest

from entp.errors import DataError, UsageError
from entp.ingest.files import find_files
from tests.ingest.reading import ingest


def write(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"question": "Is it?", "answer": "Yes."}')


def names_of(*paths):
    return [file.name for file in find_files({f"input_{number:03d}": path for number, path in enumerate(paths)})]


def test_a_folder_is_walked_in_sorted_order(tmp_path):
    write(tmp_path, "b.jsonl", "a/z.csv", "a/c.json.gz", "C.parquet")
    assert names_of(tmp_path) == ["C.parquet", "a/c.json.gz", "a/z.csv", "b.jsonl"]


def test_inputs_keep_the_order_they_were_given_in(tmp_path):
    write(tmp_path, "b.jsonl", "a.jsonl")
    assert names_of(tmp_path / "b.jsonl", tmp_path / "a.jsonl") == ["b.jsonl", "a.jsonl"]


def test_hidden_files_and_companions_are_passed_over(tmp_path):
    write(
        tmp_path, "a.jsonl", ".cache/b.jsonl", ".b.jsonl", "README.md", "LICENSE", "dataset_infos.json", "a.jsonl.dvc"
    )
    assert names_of(tmp_path) == ["a.jsonl"]


def test_an_unknown_format_in_a_folder_is_an_error_that_names_it(tmp_path):
    write(tmp_path, "a.jsonl", "b.xlsx")
    with pytest.raises(UsageError, match=r"unknown file format: b\.xlsx; accepted are \.json, \.jsonl"):
        names_of(tmp_path)


def test_an_unknown_format_is_an_error(tmp_path):
    write(tmp_path, "a.xlsx")
    with pytest.raises(UsageError, match=r"a\.xlsx: unknown file format"):
        names_of(tmp_path / "a.xlsx")


def test_a_missing_path_suggests_the_nearest_name(tmp_path):
    write(tmp_path, "alpaca.jsonl")
    with pytest.raises(UsageError, match=r"alpca\.jsonl: no such file or folder; did you mean .*/alpaca\.jsonl\?"):
        names_of(tmp_path / "alpca.jsonl")


def test_a_missing_folder_names_the_part_that_is_missing(tmp_path):
    with pytest.raises(UsageError, match="exists, nowhere is not in it"):
        names_of(tmp_path / "nowhere" / "deep" / "a.jsonl")


def test_a_folder_without_data_is_an_error(tmp_path):
    write(tmp_path, "README.md")
    with pytest.raises(DataError, match="no data files in this folder"):
        names_of(tmp_path)


def test_files_of_the_same_name_in_two_inputs_are_told_apart(tmp_path):
    write(tmp_path, "one/a.jsonl", "two/a.jsonl", "two/b.jsonl")
    assert names_of(tmp_path / "one", tmp_path / "two") == ["input_000/a.jsonl", "input_001/a.jsonl", "b.jsonl"]


def test_the_source_of_unnamed_rows_is_the_file_without_its_endings(tmp_path):
    write(tmp_path, "pool/forum.v2.jsonl")
    tables = ingest(tmp_path / "pool")
    assert (tables.samples["source"][0], tables.meta[0]["file"]) == ("forum.v2", "forum.v2.jsonl")
