"""A command with its time and the memory of all its processes."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import psutil

from entp.errors import SetupError

#: Between two looks at the processes' memory.
SECONDS = 0.1
MIB = 1024 * 1024


class Watched(NamedTuple):
    """The result that the command printed as JSON, and the most memory its processes held at once."""

    said: dict[str, Any]
    peak_mib: float


def watched(command: Sequence[str]) -> Watched:
    """Run a command to its end. Memory is proportional: pages that processes share count once.

    Raises SetupError with the end of what it said, where it fails.
    """
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        peak = [0.0]
        watcher = threading.Thread(target=_watch, args=(psutil.Process(process.pid), peak), daemon=True)
        watcher.start()
        output = process.communicate()[0]
    if process.returncode != 0:
        raise SetupError(f"{' '.join(command[:2])} ended with {process.returncode}: {output[-800:]}")
    return Watched(_said(output), peak[0] / MIB)


def _said(output: str) -> dict[str, Any]:
    """The last line that is a JSON object with `seconds`: some libraries still log after the work is done."""
    for line in reversed(output.split("\n")):
        if line.startswith('{"seconds"') and line.endswith("}"):
            found: dict[str, Any] = json.loads(line)
            return found
    raise SetupError(f"no result in what it said: {output[-800:]}")


def _watch(process: psutil.Process, peak: list[float]) -> None:
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        peak[0] = max(peak[0], sum(map(_held, [process, *_children(process)])))
        threading.Event().wait(SECONDS)


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _held(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss)
    except psutil.Error:
        return 0.0
