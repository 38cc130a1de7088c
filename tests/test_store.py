from __future__ import annotations

import subprocess
import sys

import polars as pl
import pytest

from entp import store
from entp.errors import DataError, SetupError
from entp.store import Identity
from tests.stopping import RENAMES, stopped

SCHEMA = pl.Schema({"id": pl.String, "value": pl.Int64})
IDENTITY = Identity("purge", {"threshold": 1}, "abc", {"ingest": "123"})


def write(folder, values, identity=IDENTITY):
    with store.publish(folder, identity) as dataset:
        dataset.write("rows", pl.DataFrame({"id": [str(v) for v in values], "value": values}), SCHEMA)
        dataset.summarise({"rows": len(values)})


def test_a_published_table_reads_back_in_the_order_it_was_written(tmp_path):
    write(tmp_path / "purge", [3, 1, 2])
    assert store.read(tmp_path / "purge", "rows")["value"].to_list() == [3, 1, 2]


def test_the_same_rows_give_the_same_manifest_and_bytes(tmp_path):
    write(tmp_path / "one", [1, 2])
    write(tmp_path / "two", [1, 2])
    for file in ("manifest.json", "rows/part-00000.parquet"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_other_rows_give_another_content_digest(tmp_path):
    write(tmp_path / "one", [1, 2])
    write(tmp_path / "two", [1, 3])
    assert store.content_digest(tmp_path / "one") != store.content_digest(tmp_path / "two")


def test_a_stage_that_fails_leaves_the_earlier_dataset_untouched(tmp_path):
    write(tmp_path / "purge", [1])
    with pytest.raises(RuntimeError), store.publish(tmp_path / "purge", IDENTITY) as dataset:
        dataset.write("rows", pl.DataFrame({"id": ["x"], "value": [9]}), SCHEMA)
        raise RuntimeError
    assert store.read(tmp_path / "purge", "rows")["value"].to_list() == [1]
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["purge"]


def test_what_a_killed_stage_left_behind_is_removed_by_the_next(tmp_path):
    (tmp_path / ".purge.partial-999").mkdir()
    write(tmp_path / "purge", [1])
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["purge"]


@pytest.mark.parametrize(("place", "expected"), zip(RENAMES, ([1], [2], [2]), strict=True))
def test_a_stage_killed_while_its_dataset_takes_the_place_of_another_loses_neither(tmp_path, place, expected):
    write(tmp_path / "purge", [1])
    again = f"""
from pathlib import Path
from tests.test_store import IDENTITY, SCHEMA, pl, store
with store.publish(Path({str(tmp_path / "purge")!r}), IDENTITY) as dataset:
    dataset.write("rows", pl.DataFrame({{"id": ["2"], "value": [2]}}), SCHEMA)
"""
    stopped(again, place.format(name="purge"))
    assert store.is_published(tmp_path / "purge")
    assert store.read(tmp_path / "purge", "rows")["value"].to_list() == expected
    write(tmp_path / "purge", [3])
    assert store.read(tmp_path / "purge", "rows")["value"].to_list() == [3]
    assert {path.name for path in tmp_path.iterdir()} == {"purge", ".purge.lock"}


def test_publishing_again_replaces_the_whole_dataset(tmp_path):
    write(tmp_path / "purge", [1, 2, 3])
    write(tmp_path / "purge", [4])
    assert store.read(tmp_path / "purge", "rows")["value"].to_list() == [4]


def test_the_manifest_counts_rows_and_names_parents(tmp_path):
    write(tmp_path / "purge", [1, 2])
    manifest = store.read_manifest(tmp_path / "purge")
    assert manifest["contents"]["rows"]["rows"] == 2
    assert manifest["parents"] == {"ingest": "123"}


def test_a_missing_table_says_which_stage_writes_it(tmp_path):
    with pytest.raises(DataError, match=r"run the stage that writes it first: `entp purge"):
        store.read(tmp_path / "purge", "samples")


def test_a_wrong_column_type_is_refused(tmp_path):
    with pytest.raises(pl.exceptions.PolarsError), store.publish(tmp_path / "purge", IDENTITY) as dataset:
        dataset.write("rows", pl.DataFrame({"id": ["a"], "value": ["many"]}), SCHEMA)


def test_a_dataset_that_another_process_is_writing_is_left_alone(tmp_path):
    other = f"""
import sys, time
from pathlib import Path
from entp.store import Identity, publish
with publish(Path({str(tmp_path / "purge")!r}), Identity("purge", {{}}, "abc", {{}})):
    print("writing", flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", other], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"writing\n"
        with pytest.raises(SetupError, match="another process is writing it"):
            write(tmp_path / "purge", [1])
        assert list(tmp_path.glob(".purge.partial-*"))
    finally:
        process.kill()
        process.wait()
    write(tmp_path / "purge", [1])
    assert not list(tmp_path.glob(".purge.partial-*"))
