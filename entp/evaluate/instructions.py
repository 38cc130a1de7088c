"""Instruction sets for pairwise judging: a JSONL file with an instruction in each row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from entp.errors import DataError

#: Columns that such sets keep their instructions in; MT-bench has `turns`, of which the first is asked.
COLUMNS = ("instruction", "prompt", "question", "problem")


def read_instructions(path: Path, limit: int | None) -> list[str]:
    """The first `limit` instructions of a JSONL file. Raises DataError naming file, line and remedy."""
    if not path.is_file():
        raise DataError(f"evaluate.instructions: {path} is not there")
    found: list[str] = []
    for instruction in _instructions(path):
        if limit is not None and len(found) == limit:
            break
        found.append(instruction)
    if not found:
        raise DataError(f"evaluate.instructions: {path} holds no instruction")
    return found


def _instructions(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _instruction(line, f"{path}:{number}")


def _instruction(line: str, where: str) -> str:
    try:
        row: Any = json.loads(line)
    except ValueError as error:
        raise DataError(f"{where}: not JSON ({error})") from error
    if isinstance(row, dict):
        turns = row.get("turns")
        found = [row[name] for name in COLUMNS if isinstance(row.get(name), str)]
        found += turns[:1] if isinstance(turns, list) else []
        if found and isinstance(found[0], str) and found[0].strip():
            return found[0]
    raise DataError(f"{where}: no instruction; a row has one in {', '.join(COLUMNS)}, or a list of `turns`")
