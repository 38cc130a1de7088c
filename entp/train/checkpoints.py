"""Resumable checkpoints: which one is whole, and where a killed run goes on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

#: The file that the Trainer writes last: a checkpoint where it can be read is whole.
LAST_WRITTEN = "trainer_state.json"


def last_complete(folder: Path) -> Path | None:
    """The whole checkpoint of the highest step, or None. Those that a kill left half-written are removed."""
    whole: dict[int, Path] = {}
    for checkpoint in folder.glob("checkpoint-*"):
        step = _step(checkpoint)
        if step is None:
            # another process of torchrun may be at it too
            shutil.rmtree(checkpoint, ignore_errors=True)
        else:
            whole[step] = checkpoint
    return whole[max(whole)] if whole else None


def _step(checkpoint: Path) -> int | None:
    try:
        return int(json.loads((checkpoint / LAST_WRITTEN).read_text())["global_step"])
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError, KeyError):
        return None
