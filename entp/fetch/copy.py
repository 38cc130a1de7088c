"""Copies of remote inputs, resumed where they were cut off, kept by their version."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Event
from typing import Any

from tenacity import Retrying, retry_if_not_exception_type, stop_after_attempt, wait_random_exponential

from entp import atomic, store
from entp.errors import DataError, EntpError, SetupError, one_line
from entp.fetch.address import Address, HubDataset, address_of
from entp.fetch.listing import Listing, RemoteFile, list_files
from entp.fetch.origin import ORIGIN_FILE
from entp.progress import Advance, console, progress

FOLDER = "inputs"
PARTIAL = ".partial"
#: Bytes asked for at a time: what a kill loses at most, and what each copy holds in memory.
CHUNK = 1 << 23
AT_ONCE = 4
ATTEMPTS = 6
#: Seconds between attempts.
LONGEST_WAIT = 30.0
KIB = 1024
#: Nothing that is left free on the disk is needed beyond this share (our choice).
HEADROOM = 1.02


def local_copies(inputs: Sequence[str], cache: Path) -> list[Path]:
    """The inputs as paths: those that lie elsewhere are copied into `cache` unless this version is there.

    Raises UsageError or SetupError where an input is not there or cannot be read.
    """
    return [_local(given, cache) for given in inputs]


def _local(given: str, cache: Path) -> Path:
    address = address_of(given)
    if address is None:
        return Path(given).expanduser()
    return _copy(address, list_files(address), cache / FOLDER)


def _copy(address: Address | HubDataset, listing: Listing, cache: Path) -> Path:
    if listing.note:
        console.print(f"  {listing.note}", highlight=False)
    place = cache / _folder_name(listing)
    files = place / _last_part(listing.shown)
    place.mkdir(parents=True, exist_ok=True)
    with atomic.lock(files, wait=True):
        if files.is_dir():
            return files
        partial = place / PARTIAL
        _demand_room(listing, partial)
        _copy_all(listing, partial)
        if list_files(address).version != listing.version:
            shutil.rmtree(partial)
            raise DataError(f"--input {listing.shown}: it changed while it was copied; run the same command again")
        store.write_json(place / ORIGIN_FILE, _told(listing))
        partial.rename(files)
    return files


def _copy_all(listing: Listing, partial: Path) -> None:
    total = sum(file.size or 0 for file in listing.files)
    with (
        progress(f"download ({len(listing.files)} files, KiB)", total // KIB) as advance,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        stopped = Event()
        done = [pool.submit(_copy_one, listing, file, partial / file.name, advance, stopped) for file in listing.files]
        try:
            for future in as_completed(done):
                future.result()
        except BaseException:
            # Else the pool would finish what it has begun, which may take hours, before anybody is told.
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise


def _copy_one(listing: Listing, file: RemoteFile, target: Path, advance: Advance, stopped: Event) -> None:
    if target.is_file():
        advance((file.size or 0) // KIB)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    attempts = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(max=LONGEST_WAIT),
        retry=retry_if_not_exception_type((EntpError, FileNotFoundError, PermissionError)),
        reraise=True,
    )
    advance(part.stat().st_size // KIB if part.is_file() else 0)
    try:
        attempts(_append, listing.file_system, file, part, advance, stopped)
    except EntpError:
        raise
    except Exception as error:
        raise SetupError(
            f"--input {listing.shown}: {file.name} broke off ({one_line(error)}); run the same command again: it goes "
            "on where it stopped"
        ) from error
    if stopped.is_set():
        return
    size = part.stat().st_size
    if file.size is not None and size != file.size:
        part.unlink()
        raise DataError(f"--input {listing.shown}: {file.name} has {size} bytes, not the {file.size} told; run again")
    part.rename(target)


def _append(file_system: Any, file: RemoteFile, part: Path, advance: Advance, stopped: Event) -> None:
    """Add what is missing to the part, until told to stop."""
    with part.open("ab") as kept, file_system.open(file.path, "rb", block_size=CHUNK, cache_type="none") as remote:
        try:
            remote.seek(kept.tell())
        except ValueError:  # a server that serves whole files only
            kept.truncate(0)
        while not stopped.is_set() and (piece := remote.read(CHUNK)):
            kept.write(piece)
            kept.flush()
            advance(len(piece) // KIB)


def _demand_room(listing: Listing, partial: Path) -> None:
    there = sum(file.stat().st_size for file in partial.rglob("*") if file.is_file()) if partial.is_dir() else 0
    needed = int(sum(file.size or 0 for file in listing.files) * HEADROOM) - there
    free = shutil.disk_usage(partial.parent).free
    if needed > free:
        raise SetupError(
            f"--input {listing.shown}: {needed >> 20} MiB are to come, and {partial.parent} has room for {free >> 20} "
            "MiB; set ENTP_CACHE_DIR to a larger disk"
        )


def _told(listing: Listing) -> dict[str, Any]:
    return {
        "address": listing.shown,
        "version": listing.version,
        "folder": _last_part(listing.shown),
        "files": {file.name: file.size for file in listing.files},
    }


def _last_part(address: str) -> str:
    """The name of the copy's folder: rows of shards are called by it."""
    return re.sub(r"[^\w.-]+", "-", address.rstrip("/").rpartition("/")[2].partition("@")[0]).lstrip("._-") or "files"


def _folder_name(listing: Listing) -> str:
    readable = re.sub(r"[^\w.-]+", "-", listing.shown).strip("-")[:80]
    known = json.dumps([listing.shown, listing.version, [file.name for file in listing.files]])
    return f"{readable}-{hashlib.sha256(known.encode()).hexdigest()[:12]}"
