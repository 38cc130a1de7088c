"""Where a copy of a remote input came from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

ORIGIN_FILE = "entp_origin.json"


@dataclass(frozen=True)
class Origin:
    """The address, and the version of it that was read: a revision, or a digest of names, sizes and ETags."""

    address: str
    version: str


def origin_of(path: Path) -> Origin | None:
    """Where the folder of a copy came from, or None for any other path."""
    noted = path.parent / ORIGIN_FILE
    if not noted.is_file():
        return None
    told = json.loads(noted.read_text(encoding="utf-8"))
    if told["folder"] != path.name:
        return None
    return Origin(told["address"], told["version"])
