"""The files below a folder, in a fixed order; a linked folder is entered once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class Found(NamedTuple):
    """`files` by path; `skipped` are links to folders that are there already, which would be read twice or for ever."""

    files: list[Path]
    skipped: list[Path]


def files_below(folder: Path) -> Found:
    """Every file below `folder`, through links too. What is really below it comes before what is only linked."""
    files: list[Path] = []
    skipped: list[Path] = []
    entered = {os.path.realpath(folder)}
    waiting = [folder]
    while waiting:
        linked: list[Path] = []
        for start in waiting:
            for parent, folders, names in os.walk(start):
                here = Path(parent)
                files += [here / name for name in names if (here / name).is_file()]
                linked += [here / name for name in folders if (here / name).is_symlink()]
                entered.update(os.path.realpath(here / name) for name in folders if not (here / name).is_symlink())
        waiting = []
        for link in sorted(linked):
            target = os.path.realpath(link)
            # A folder around one that was entered holds it again.
            if any(known == target or known.startswith(target + os.sep) for known in entered):
                skipped.append(link)
            else:
                entered.add(target)
                waiting.append(link)
    return Found(sorted(files), skipped)
