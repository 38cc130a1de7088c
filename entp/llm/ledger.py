"""The token ledger: one row for every request that was really made, and how many each session took from the cache."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from entp.llm import cache
from entp.llm.client import FINAL_STATUSES, Reply


@dataclass(frozen=True)
class Entry:
    """One request made. `seconds` is its share of its batch's time."""

    digest: str
    kind: str
    reply: Reply
    seconds: float


@dataclass(frozen=True)
class PurposeUsage:
    """What one purpose (a stage, as a rule) has cost over all runs that used this cache folder.

    `made` requests went to the model, `cached` were answered from the cache; tokens and seconds are of the made ones.
    """

    purpose: str
    model: str
    made: int
    cached: int
    tokens_in: int
    tokens_out: int
    seconds: float


def begin(connection: sqlite3.Connection, purpose: str, model: str) -> int:
    """Open a session's row; returns its number."""
    row = connection.execute(
        "INSERT INTO sessions (purpose, model, at) VALUES (?, ?, ?) RETURNING session", (purpose, model, time.time())
    ).fetchone()
    return int(row[0])


def count(connection: sqlite3.Connection, session: int, requests: int, cached: int) -> None:
    """Set how many requests the session has asked for so far, and how many of them were answered from the cache."""
    connection.execute("UPDATE sessions SET requests = ?, cached = ? WHERE session = ?", (requests, cached, session))


def record(connection: sqlite3.Connection, purpose: str, model: str, entries: Sequence[Entry]) -> None:
    """Append the requests of one batch."""
    now = time.time()
    connection.executemany(
        "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                entry.digest,
                purpose,
                model,
                entry.kind,
                entry.reply.status,
                entry.reply.tokens_in,
                entry.reply.tokens_out,
                entry.seconds,
                now,
            )
            for entry in entries
        ],
    )


def repeated_requests(cache_folder: Path) -> int:
    """How many finished requests were made again: 0 unless the cache failed (or two processes asked at once)."""
    marks = ",".join("?" * len(FINAL_STATUSES))
    query = f"SELECT COUNT(*) - COUNT(DISTINCT digest) FROM ledger WHERE status IN ({marks})"
    with closing(cache.connect(cache_folder)) as connection:
        return int(connection.execute(query, FINAL_STATUSES).fetchone()[0])


def usage_by_purpose(cache_folder: Path) -> list[PurposeUsage]:
    """One row per purpose and model, in order of first use."""
    query = """
        SELECT purpose, model, COALESCE(made, 0), SUM(cached),
               COALESCE(tokens_in, 0), COALESCE(tokens_out, 0), COALESCE(seconds, 0.0)
        FROM sessions LEFT JOIN (
            SELECT purpose, model, COUNT(*) made, SUM(tokens_in) tokens_in, SUM(tokens_out) tokens_out,
                   SUM(seconds) seconds
            FROM ledger GROUP BY purpose, model
        ) USING (purpose, model)
        GROUP BY purpose, model ORDER BY MIN(session)
    """
    with closing(cache.connect(cache_folder)) as connection:
        return [PurposeUsage(*row) for row in connection.execute(query)]


def tokens_per_second(cache_folder: Path, purpose: str, began: float, least: float) -> float | None:
    """Tokens that a purpose wrote per second from its first reply after `began` (Unix time) on.

    The time until that reply is for loading the model. None where fewer than `least` tokens came after it: a few
    requests do not keep a model busy.
    """
    query = "SELECT at, SUM(tokens_out) FROM ledger WHERE purpose = ? AND at >= ? GROUP BY at ORDER BY at"
    with closing(cache.connect(cache_folder)) as connection:
        moments = connection.execute(query, (purpose, began)).fetchall()
    written = sum(tokens for _, tokens in moments[1:])
    if not written or written < least:
        return None
    return float(written / (moments[-1][0] - moments[0][0]))
