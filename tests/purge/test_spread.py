"""Chunks and processes change how long the purge takes, never what it says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from entp import store
from entp.purge import examine
from entp.purge.scratch import scratch_folder
from entp.purge.spread import in_order, processors
from entp.purge.stage import run
from tests.datasets import publish, sample
from tests.purge.pool import configured

STORY = "The river rises in the hills, runs past {} old mills, and reaches the sea near a small and quiet town."
ROWS = [
    sample(
        f"Question {number}?",
        ["Paris<|im_end|>", "The causes are: first, the", STORY, "It â€™s {}."][number % 4].format(number),
    )
    for number in range(300)
]


def square(number: int) -> int:
    return number * number


def test_results_come_in_the_order_of_the_chunks():
    assert list(in_order(square, range(40), workers=2)) == [number * number for number in range(40)]
    assert list(in_order(square, range(40), workers=1)) == [number * number for number in range(40)]


def test_an_error_in_a_worker_reaches_the_caller():
    with pytest.raises(TypeError):
        list(in_order(square, [1, None], workers=2))


def test_there_is_a_processor():
    assert processors() >= 1


@pytest.mark.parametrize(("workers", "chunk"), [(1, 7), (2, 64), (3, 1000)])
def test_verdicts_do_not_depend_on_chunks_or_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int, chunk: int
):
    ingest = publish(tmp_path, "ingest", samples=ROWS)
    run(configured(), {"ingest": ingest}, tmp_path / "whole")
    monkeypatch.setattr(examine, "CHUNK", chunk)
    monkeypatch.setattr(examine, "SPREAD_FROM", 1)
    run(configured(workers=workers), {"ingest": ingest}, tmp_path / "parts")
    assert store.content_digest(tmp_path / "parts") == store.content_digest(tmp_path / "whole")


def test_a_killed_purge_leaves_nothing_that_the_next_one_does_not_clear(tmp_path: Path):
    ingest = publish(tmp_path, "ingest", samples=ROWS)
    with scratch_folder(tmp_path / "purge") as scratch:
        left = Path(shutil.copytree(scratch.folder, tmp_path / ".purge.partial-left"))
        assert scratch.folder.name.startswith(".purge.partial-")
    run(configured(), {"ingest": ingest}, tmp_path / "purge")
    assert not left.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"ingest", "purge", ".ingest.lock", ".purge.lock"}
