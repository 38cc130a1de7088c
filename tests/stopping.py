"""Processes that are stopped by a signal right after a rename: what do they leave?"""

from __future__ import annotations

import signal
import subprocess
import sys

STOPPING = """
import os, re, sys
from pathlib import Path
rename, place, number = Path.rename, sys.argv[1], int(sys.argv[2])
def stopping(self, target):
    moved = rename(self, target)
    if re.search(place, str(target)):
        os.kill(os.getpid(), number)
    return moved
Path.rename = stopping
"""
#: The renames that put a folder `{name}` where another was, in their order.
RENAMES = (r"/\.{name}\.replaced$", r"/{name}$", r"/\.{name}\.partial-\d+$")


def stopped(code: str, place: str, by: signal.Signals = signal.SIGKILL) -> subprocess.Popen[bytes]:
    """Run `code` in a process that the signal stops when it has renamed something to a name that fits `place`."""
    process = subprocess.Popen([sys.executable, "-c", STOPPING + code, place, str(by.value)])
    if by == signal.SIGKILL:
        assert process.wait(timeout=120) == -signal.SIGKILL
    return process
