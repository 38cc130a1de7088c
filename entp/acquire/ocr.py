"""Optical character recognition: looked for and named, not shipped. Its models come from hubs.

What a scan holds is not guessed: it is left out as `needs_ocr`, with what would make text of it.
"""

from __future__ import annotations

from importlib.util import find_spec

#: Packages that make Markdown of scanned pages.
ENGINES = ("paddleocr", "mineru")


def installed() -> list[str]:
    """The engines that this environment has."""
    return [name for name in ENGINES if find_spec(name) is not None]


def advice() -> str:
    """What to do about pages that are pictures of text."""
    found = installed()
    engine = f"{' or '.join(found)}, which is installed" if found else " or ".join(ENGINES)
    return f"a picture of text: make Markdown of it with {engine}, and acquire that (docs/acquire.md, Scans)"
