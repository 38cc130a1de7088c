from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from entp import atomic
from entp.errors import SetupError
from tests.stopping import RENAMES, stopped

ASIDE, IN_PLACE, OUT_OF_IT = (place.format(name="target") for place in RENAMES)
FILES = ("one", "two", "three")
REPLACE = """
from entp import atomic
def replace(target, text):
    with atomic.lock(target), atomic.new_folder(target) as partial:
        partial.mkdir()
        for name in ("one", "two", "three"):
            (partial / name).write_text(text)
"""


def replace(target: Path, text: str) -> None:
    with atomic.lock(target), atomic.new_folder(target) as partial:
        partial.mkdir()
        for name in FILES:
            (partial / name).write_text(text)


def replacing(target: Path, text: str) -> str:
    """Code of a process that does the same."""
    return f"{REPLACE}\nreplace(Path({str(target)!r}), {text!r})"


def seen(target: Path) -> set[str]:
    return atomic.read_whole(target, lambda: {(target / name).read_text() for name in FILES})


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def target(tmp_path) -> Path:
    replace(tmp_path / "target", "old")
    return tmp_path / "target"


@pytest.mark.parametrize(("place", "expected"), [(ASIDE, "old"), (IN_PLACE, "new"), (OUT_OF_IT, "new")])
def test_a_process_killed_between_its_renames_leaves_a_whole_folder(target, place, expected):
    stopped(replacing(target, "new"), place)
    assert seen(target) == {expected}
    assert target.is_dir()
    replace(target, "newest")
    assert seen(target) == {"newest"}
    assert left_in(target.parent) == {"target", ".target.lock"}


@pytest.mark.parametrize("place", [ASIDE, IN_PLACE, OUT_OF_IT])
def test_the_next_writer_needs_no_reader_before_it(target, place):
    stopped(replacing(target, "new"), place)
    with pytest.raises(RuntimeError), atomic.lock(target), atomic.new_folder(target):
        raise RuntimeError
    assert seen(target) == {"old" if place == ASIDE else "new"}
    assert left_in(target.parent) == {"target", ".target.lock"}


def test_a_reader_waits_for_a_process_between_its_renames_and_says_so(target, monkeypatch):
    monkeypatch.setattr(atomic, "PATIENCE", 0.2)
    process = stopped(replacing(target, "new"), ASIDE, signal.SIGSTOP)
    try:
        while target.exists():
            time.sleep(0.01)
        with pytest.raises(SetupError, match=r"another process is replacing it.*rename .*\.target\.replaced to target"):
            seen(target)
        monkeypatch.setattr(atomic, "PATIENCE", 60)
        process.send_signal(signal.SIGCONT)
        assert seen(target) == {"new"}
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()


def test_readers_see_one_folder_or_the_other_while_it_is_replaced_again_and_again(target):
    code = f"{REPLACE}\nfrom pathlib import Path\nfor number in range(150): replace(Path({str(target)!r}), str(number))"
    process = subprocess.Popen([sys.executable, "-c", code])
    looks = []
    while process.poll() is None:
        looks.append(seen(target))
    assert process.returncode == 0
    assert {len(look) for look in looks} == {1}
    assert len(set(map(frozenset, looks))) > 3


def test_a_folder_may_be_reached_by_a_link(target, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "link").symlink_to(target)
    stopped(replacing(tmp_path / "elsewhere" / "link", "new"), ASIDE)
    assert seen(tmp_path / "elsewhere" / "link") == {"old"}
    replace(tmp_path / "elsewhere" / "link", "newest")
    assert seen(target) == {"newest"}
    assert left_in(tmp_path / "elsewhere") == {"link"}


def test_everything_is_on_the_disk_before_it_takes_its_place(target, monkeypatch):
    order = []
    flush, rename = os.fsync, Path.rename

    def noted_flush(handle):
        order.append(os.readlink(f"/proc/self/fd/{handle}"))
        flush(handle)

    def noted_rename(path, to):
        order.append("rename")
        return rename(path, to)

    monkeypatch.setattr(os, "fsync", noted_flush)
    monkeypatch.setattr(Path, "rename", noted_rename)
    replace(target, "new")
    assert {Path(path).name for path in order[: order.index("rename")]} > set(FILES)
    assert order[-2:] == [str(target.parent), "rename"]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file"
    for text in ("old", "new"):
        with atomic.new_file(path) as partial:
            partial.write_text(text)
    assert path.read_text() == "new"
    with pytest.raises(RuntimeError), atomic.new_file(path) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert path.read_text() == "new"
    assert left_in(tmp_path) == {"file"}
