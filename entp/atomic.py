"""Files and folders that are there whole or not at all, whatever stops the process or the machine.

What is new is written beside its place, flushed to the disk, and renamed. For a file, and for a folder where none was,
one rename does it. A folder that is there already takes two, for no single rename swaps folders on every file system
(Linux and macOS have a call for it, NFS and many network volumes have not): the earlier one steps aside, the new one
takes its place. Whoever finds the place empty and a folder standing aside puts that one back: nothing was lost.
"""

from __future__ import annotations

import fcntl
import glob
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from entp.errors import SetupError

#: Seconds that a reader gives another process between its two renames, which take less than a thousandth of one.
PATIENCE = 5.0
Seen = TypeVar("Seen")


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A free name beside `path`; the file that the body writes there replaces the one at `path`."""
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        yield partial
        _flush(partial)
        partial.rename(path)
        _flush(path.parent)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def lock(target: Path, wait: bool = False) -> Iterator[None]:
    """One process at a time writes the folder `target`; others wait, or get a SetupError.

    A killed process leaves no lock behind, only its empty file.
    """
    target = target.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    with _beside(target, "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SetupError(
                f"{target}: another process is writing it; wait for that one, or take another output folder"
            ) from error
        yield


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A free name beside `target`; the folder that the body makes there replaces the one at `target`.

    For the holder of `lock(target)`. Where the body raises, or anything is stopped anywhere, `target` is afterwards the
    earlier folder or the new one, whole, to everybody who looks by `read_whole`, and to the next `new_folder`. Removes
    what a killed process has left.
    """
    target = target.resolve()
    aside, partial = _beside(target, "replaced"), _beside(target, f"partial-{os.getpid()}")
    _put_back(target)
    _remove_leftovers(target)
    try:
        yield partial
        _flush_all(partial)
        if target.exists():
            target.rename(aside)
        partial.rename(target)
        _flush(target.parent)
        if aside.exists():
            # Only whole folders stand aside: this one is no longer to be put back, and may be removed bit by bit.
            aside.rename(partial)
    finally:
        _put_back(target)
        shutil.rmtree(partial, ignore_errors=True)


def read_whole(target: Path, read: Callable[[], Seen]) -> Seen:
    """What `read` sees in the folder `target`: all from before a replacement, or all from after it.

    Raises SetupError where the folder stands aside and can't be put back.
    """
    while True:
        before = _version(target)
        try:
            seen = read()
        except Exception:
            if _version(target) == before:
                raise
        else:
            if _version(target) == before:
                return seen


def _version(target: Path) -> tuple[int, int, int] | None:
    """Another one for another folder; None where there is none."""
    _settle(target.resolve())
    try:
        found = target.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _settle(target: Path) -> None:
    """Undo a replacement that was stopped half-way, or wait for one that is going on."""
    aside, end = _beside(target, "replaced"), time.monotonic() + PATIENCE
    while not target.exists() and aside.exists():
        if time.monotonic() > end:
            raise SetupError(
                f"{target}: another process is replacing it, or was stopped at that and can't be helped from here; "
                f"wait for it, or rename {aside} to {target.name}"
            )
        with suppress(SetupError, OSError), lock(target):
            _put_back(target)
        time.sleep(0.01)


def _put_back(target: Path) -> None:
    aside = _beside(target, "replaced")
    if aside.exists() and not target.exists():
        aside.rename(target)


def _remove_leftovers(target: Path) -> None:
    leftovers = glob.escape(_beside(target, "partial-").name) + "*"
    for leftover in target.parent.glob(leftovers):
        shutil.rmtree(leftover)
    if (aside := _beside(target, "replaced")).exists():
        shutil.rmtree(aside.rename(_beside(target, "partial-old")))


def _beside(target: Path, ending: str) -> Path:
    return target.with_name(f".{target.name}.{ending}")


def _flush_all(folder: Path) -> None:
    for path in folder.rglob("*"):
        if not path.is_symlink():
            _flush(path)
    _flush(folder)


def _flush(path: Path) -> None:
    """Make the disk keep a file's bytes, or a folder's names: a rename may outlive a power cut that they do not."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        # Some network volumes have nothing to flush for a folder, and say so by an error.
        if not path.is_dir():
            raise
    finally:
        os.close(handle)
