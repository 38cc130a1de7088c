"""Which files are read, in which order, under which names."""

from __future__ import annotations

import gzip

import pyarrow as pa
import pyarrow.ipc
import pytest

from entp.errors import DataError, UsageError
from entp.ingest.files import find_files
from entp.loop import stage_inputs
from entp.stages import STAGES, raw_digest
from tests.ingest.reading import ingest


def write(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"question": "Is it?", "answer": "Yes."}')


def names_of(*paths):
    return [file.name for file in find_files({f"input_{number:03d}": path for number, path in enumerate(paths)}).files]


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


def test_what_spark_leaves_beside_its_parts_is_passed_over_and_noted(tmp_path):
    write(tmp_path, "part-0.json", "_SUCCESS", ".part-0.json.crc", "_temporary/0/part-1.json", "_committed_1")
    found = find_files({"pool": tmp_path})
    assert [file.name for file in found.files] == ["part-0.json"]
    assert found.notes == [f"{tmp_path}/_temporary/0/part-1.json: not read, as its name begins with _ or ."]


def test_columns_that_are_folders_are_columns_of_the_rows(tmp_path):
    for folder, name in (("source=a%20forum", "part-0.jsonl"), ("source=__HIVE_DEFAULT_PARTITION__", "part-1.jsonl")):
        write(tmp_path, f"{folder}/{name}")
    (tmp_path / "source=__HIVE_DEFAULT_PARTITION__/part-1.jsonl").write_text('{"question": "Am I?", "answer": "No."}')
    assert sorted(ingest(tmp_path).samples["source"]) == ["a forum", "part-1"]


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tgz", "a.zip"])
def test_archives_are_refused_by_name(tmp_path, name):
    write(tmp_path, name)
    for path in (tmp_path, tmp_path / name):
        with pytest.raises(UsageError, match=r"an archive .*unpack it"):
            names_of(path)


def test_a_delta_table_is_refused_by_name(tmp_path):
    write(tmp_path, "part-0.parquet", "_delta_log/0.json")
    with pytest.raises(UsageError, match=r"a Delta table .*write the table out as Parquet"):
        names_of(tmp_path)


def test_a_linked_folder_is_read_once_and_counts_in_the_identity(tmp_path):
    write(tmp_path, "store/b.jsonl", "pool/a.jsonl")
    pool = tmp_path / "pool"
    (pool / "linked").symlink_to(tmp_path / "store")
    (pool / "again").symlink_to(tmp_path / "store")
    (pool / "round").symlink_to(pool)
    (pool / "up").symlink_to(tmp_path)
    found = find_files({"pool": pool})
    assert [file.name for file in found.files] == ["a.jsonl", "again/b.jsonl"]
    assert [note.partition(":")[0] for note in found.notes] == [str(pool / name) for name in ("linked", "round", "up")]
    before = raw_digest(pool)
    (tmp_path / "store/b.jsonl").write_text('{"question": "Was it?", "answer": "No."}')
    assert raw_digest(pool) != before


def test_a_dataset_saved_to_disk_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    from datasets import Dataset, DatasetDict

    turns = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    train = Dataset.from_list([{"messages": turns, "topic": "reason"}])
    other = Dataset.from_list([{"messages": [turns[0], {**turns[1], "content": "No."}], "topic": None}])
    DatasetDict({"train": train, "test": other}).save_to_disk(str(tmp_path / "saved"))
    (tmp_path / "saved/train/cache-123.arrow").write_bytes(b"of a map that was tried")
    samples = ingest(tmp_path / "saved").samples
    assert sorted(row[1]["content"] for row in samples["messages"]) == ["No.", "So."]
    assert names_of(tmp_path / "saved") == [f"{split}/data-00000-of-00001.arrow" for split in ("test", "train")]


@pytest.mark.parametrize("compressed", [False, True])
def test_an_arrow_file_is_read_like_a_stream(tmp_path, compressed):
    table = pa.table({"question": ["Is it?"] * 3000, "answer": [f"Yes, {number}." for number in range(3000)]})
    content = pa.BufferOutputStream()
    with pa.ipc.new_file(content, table.schema) as writer:
        writer.write_table(table)
    path = tmp_path / ("a.arrow.gz" if compressed else "a.arrow")
    whole = content.getvalue().to_pybytes()
    path.write_bytes(gzip.compress(whole) if compressed else whole)
    assert ingest(path).samples.height == 3000


def test_an_output_inside_an_input_is_refused(tmp_path):
    write(tmp_path, "a.jsonl")
    with pytest.raises(UsageError, match="lies inside the input"):
        stage_inputs(STAGES[0], tmp_path / "runs" / "one", [tmp_path])


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("forum.jsonl.gz", "forum"),
        ("train-00000-of-00012.parquet", "train"),
        ("part-00000-c0ffee.c000.snappy.parquet", "pool"),
        ("data-00003-of-00004.arrow", "pool"),
        ("part-2.jsonl", "part-2"),
        ("v1-2024.jsonl", "v1-2024"),
    ],
)
def test_shards_are_one_source(tmp_path, name, source):
    write(tmp_path, f"pool/{name}")
    (found,) = find_files({"a": tmp_path / "pool"}).files
    assert found.stem == source
