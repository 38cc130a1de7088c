"""Both sides of the purge's benchmark get the same rows, and their clusters are compared by what they hold."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks.purge import agreement, growth
from benchmarks.purge_pool import pool, write_pool
from benchmarks.watched import watched
from entp.errors import SetupError
from tests.datasets import publish, sample


@pytest.fixture(autouse=True)
def _own_pool(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("ENTP_TEST_DATA", raising=False)


def test_a_pool_is_always_the_same_and_grows_by_perturbed_copies(tmp_path: Path):
    write_pool(400, tmp_path / "one.jsonl")
    write_pool(400, tmp_path / "two.jsonl")
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    rows = list(pool(400))
    assert len(rows) == 400
    assert list(pool(100)) == rows[:100]
    assert len(set(rows)) > 380


def test_clusters_are_compared_by_the_rows_in_them(tmp_path: Path):
    rows = [sample(f"Question {number}", "An answer.", row=number + 1) for number in range(5)]
    run = publish(tmp_path, "ingest", samples=rows).parent
    file = tmp_path / "pool.jsonl"
    file.write_text("{}\n" * 5)
    ids = [row["id"] for row in rows]
    copies = [(ids[1], ids[0], "c"), (ids[3], ids[2], "d")]
    assert agreement(file, run, copies, [(0, 1), (3, 4)]) == {
        "clusters_ours": 2,
        "clusters_rival": 2,
        "clusters_rival_inside_ours": 2,
        "copies_ours": 2,
        "copies_rival": 2,
    }
    assert agreement(file, run, copies, [(1, 3)])["clusters_rival_inside_ours"] == 0


def test_growth_is_the_exponent_between_the_smallest_and_the_largest_size():
    rows = [{"rows": 10, "purge": {"seconds": 1.0}}, {"rows": 1000, "purge": {"seconds": 100.0}}]
    assert growth(rows) == pytest.approx(1.0)
    assert growth(rows[:1]) is None


def test_a_command_is_watched_with_its_children():
    code = "import json; held = bytearray(60_000_000); import time; time.sleep(0.5); print(json.dumps({'seconds': 1}))"
    seen = watched([sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"])
    assert seen.said == {"seconds": 1}
    assert seen.peak_mib > 60


def test_a_command_that_fails_or_says_nothing_is_an_error():
    with pytest.raises(SetupError, match="ended with 3"):
        watched([sys.executable, "-c", "import sys; sys.exit(3)"])
    with pytest.raises(SetupError, match="no result"):
        watched([sys.executable, "-c", f"print({json.dumps('hello')!r})"])
