"""A new batch is held against what earlier pools kept, and joins it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from entp import store
from entp.errors import DataError, UsageError
from entp.purge.stage import run
from tests.datasets import publish, sample
from tests.purge.pool import configured


def prose(seed: int) -> str:
    return " ".join(random.Random(seed).choices([f"word{number}" for number in range(300)], k=60))


def purge(folder: Path, rows: list[dict[str, Any]], **purge_config: Any) -> Path:
    ingest = publish(folder, "ingest", samples=rows)
    run(configured(keep_index=True, **purge_config), {"ingest": ingest}, folder / "purge")
    return folder / "purge"


OLD = [sample(f"Old task {seed}.", prose(seed)) for seed in range(8)]
#: A copy but for case, a near-copy that is longer than the old sample, and something new.
COPY = sample("OLD task 3.", prose(3).upper())
NEAR = sample("Old task 5.", prose(5) + " and a little more")
NEW = sample("New task.", prose(99))


def test_copies_of_what_was_kept_earlier_are_dropped_and_name_it(tmp_path: Path):
    old = purge(tmp_path / "old", OLD)
    batch = purge(tmp_path / "batch", [COPY, NEAR, NEW], index=str(old / "index"))
    assert store.read(batch, "samples")["id"].to_list() == [NEW["id"]]
    found = dict(store.read(batch, "duplicates").select("id", "survivor").iter_rows())
    assert found == {COPY["id"]: OLD[3]["id"], NEAR["id"]: OLD[5]["id"]}
    metrics = store.read_summary(batch).metrics
    assert (metrics["kept"], metrics["exact_duplicates"], metrics["near_duplicates"]) == (1, 1, 1)


def test_the_next_index_holds_old_and_new(tmp_path: Path):
    first = purge(tmp_path / "1", OLD)
    second = purge(tmp_path / "2", [NEW], index=str(first / "index"))
    batch = [COPY, sample("NEW task.", prose(99)), sample("Third.", prose(7_000))]
    third = purge(tmp_path / "3", batch, index=str(second / "index"))
    assert store.read_summary(third).metrics["kept"] == 1


def test_another_index_is_another_identity(tmp_path: Path):
    first = purge(tmp_path / "1", OLD)
    batch = purge(tmp_path / "2", [NEW], index=str(first / "index"))
    alone = purge(tmp_path / "3", [NEW])
    identities = [(store.read_manifest(dataset) or {})["identity"] for dataset in (batch, alone)]
    assert identities[0] != identities[1]


def test_an_index_of_other_settings_is_refused(tmp_path: Path):
    old = purge(tmp_path / "old", OLD)
    with pytest.raises(UsageError, match=r"near_duplicate_jaccard=0\.8, and this run has 0\.9"):
        purge(tmp_path / "batch", [NEW], index=str(old / "index"), near_duplicate_jaccard=0.9)


def test_a_folder_without_an_index_and_a_damaged_one_are_named(tmp_path: Path):
    with pytest.raises(UsageError, match="holds no index"):
        purge(tmp_path / "batch", [NEW], index=str(tmp_path))
    old = purge(tmp_path / "old", OLD)
    (old / "index" / "index.json").write_text(json.dumps({})[:1])
    with pytest.raises(DataError, match=r"index\.json: damaged"):
        purge(tmp_path / "batch", [NEW], index=str(old / "index"))
