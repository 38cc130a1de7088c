"""The request cache: every finished reply on disk, by digest of model and request.

One SQLite file per cache folder, shared with the token ledger. Write-ahead logging makes each transaction survive
SIGKILL, and lets several processes read and write at once (on a local or block-device file system).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from entp.errors import SetupError
from entp.llm.client import FINAL_STATUSES, Reply

FILE_NAME = "requests.sqlite"
BUSY_SECONDS = 60.0
#: SQLite's oldest limit on `?` in one statement is 999.
LOOK_UP_AT_ONCE = 500

SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (digest TEXT PRIMARY KEY, reply TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledger (
    digest TEXT NOT NULL, purpose TEXT NOT NULL, model TEXT NOT NULL, kind TEXT NOT NULL, status TEXT NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, seconds REAL NOT NULL, at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS sessions (
    session INTEGER PRIMARY KEY, purpose TEXT NOT NULL, model TEXT NOT NULL, at REAL NOT NULL,
    requests INTEGER NOT NULL DEFAULT 0, cached INTEGER NOT NULL DEFAULT 0
);
"""


def connect(folder: Path) -> sqlite3.Connection:
    """Open (or create) the cache in `folder`. Raises SetupError where it cannot be used."""
    path = folder / FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.executescript(SCHEMA)
    except (OSError, sqlite3.Error) as error:
        raise SetupError(
            f"{path}: the request cache cannot be opened ({error}); make the folder writable, "
            "or move a damaged file away and run again"
        ) from error
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Everything written in the body is kept together, or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def look_up(connection: sqlite3.Connection, digests: Sequence[str]) -> dict[str, Reply]:
    """The kept replies among `digests`."""
    found: dict[str, Reply] = {}
    for start in range(0, len(digests), LOOK_UP_AT_ONCE):
        some = digests[start : start + LOOK_UP_AT_ONCE]
        marks = ",".join("?" * len(some))
        rows = connection.execute(f"SELECT digest, reply FROM replies WHERE digest IN ({marks})", some)
        found.update({digest: Reply(**json.loads(reply)) for digest, reply in rows})
    return found


def keep(connection: sqlite3.Connection, replies: Mapping[str, Reply]) -> None:
    """Store the replies that asking again would give again; the others are left to be tried again."""
    rows = [
        (digest, json.dumps(asdict(reply), ensure_ascii=False))
        for digest, reply in replies.items()
        if reply.status in FINAL_STATUSES
    ]
    connection.executemany("INSERT OR REPLACE INTO replies VALUES (?, ?)", rows)
