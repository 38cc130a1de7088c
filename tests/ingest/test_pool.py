"""The project's own sample pool, and (where it is there) public data: real files give the rows they hold."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from entp.errors import DataError
from tests.ingest.reading import ingest

POOL = Path(__file__).parents[2] / "examples" / "pool"
PUBLIC = Path(os.environ.get("ENTP_TEST_DATA", "")) / "pools"
needs_public_data = pytest.mark.skipif("ENTP_TEST_DATA" not in os.environ, reason="ENTP_TEST_DATA is not set")


@pytest.fixture
def pool(tmp_path):
    shutil.copytree(POOL, tmp_path / "pool")
    return ingest(tmp_path / "pool")


def test_the_sample_pool_gives_the_rows_its_readme_tells(pool):
    assert pool.summary.metrics == {
        "rows_read": 250,
        "samples": 244,
        "preferences": 0,
        "repeats": 2,
        "quarantined": 4,
        "kept_ratio": 244 / 250,
        "quarantined/invalid_json": 1,
        "quarantined/missing_response": 1,
        "quarantined/not_text": 1,
        "quarantined/wrong_column_count": 1,
    }


def test_the_sample_pool_shows_every_format_ten_sources_and_two_languages(pool):
    files = {meta["file"] for meta in pool.meta}
    assert files == {path.name for path in POOL.iterdir()} - {"README.md"}
    assert pool.samples["source"].n_unique() == 10
    assert (pool.samples["language"] == "zh").sum() == 31
    assert (pool.samples["language"] == "en").sum() >= 200


def test_the_sample_pool_has_conversations_of_several_turns(pool):
    assert sum(len(turns) >= 4 for turns in pool.turns) >= 3


@pytest.mark.data
@needs_public_data
@pytest.mark.parametrize(
    ("name", "rows", "samples", "quarantined"),
    [
        ("sft_pool_small", 5000, 4994, 0),
        ("moss_sft_samples", 620, 620, 0),
        ("zh_hikariming_extra", 10282, 9123, 1),
        ("alpaca_original_52k", 52002, 51997, 5),
        ("alpaca_zh_mt_20k", 20438, 20437, 0),
        ("flan_v2_cot", 33443, 33442, 0),
        ("gpteacher", 14131, 14131, 0),
    ],
)
def test_public_pools_give_the_rows_they_hold(tmp_path, name, rows, samples, quarantined):
    shutil.copy(PUBLIC / f"{name}.parquet", tmp_path)
    metrics = ingest(tmp_path / f"{name}.parquet").summary.metrics
    assert (metrics["rows_read"], metrics["samples"], metrics["quarantined"]) == (rows, samples, quarantined)


@pytest.mark.data
@needs_public_data
def test_a_message_per_row_tree_ends_in_the_list_of_accepted_shapes(tmp_path):
    shutil.copy(PUBLIC / "oasst1_en_validation_messages.parquet", tmp_path)
    with pytest.raises(DataError, match=r"(?s)columns found: message_id, parent_id.*accepted:.*alpaca"):
        ingest(tmp_path / "oasst1_en_validation_messages.parquet")
