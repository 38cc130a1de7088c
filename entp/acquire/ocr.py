"""Optical character recognition: looked for and named, not shipped. Its models come from a hub, which may not be there.

What a scan holds is not guessed. A PDF without text is left out as `needs_ocr`, with what would make text of it.
"""

from __future__ import annotations

from importlib.util import find_spec

#: Packages that make searchable text of scanned pages, and the command of each that does.
ENGINES = {
    "paddleocr": "paddleocr pp_structurev3 -i FILE.pdf --save_path FOLDER",
    "mineru": "mineru -p FILE.pdf -o FOLDER",
}


def installed() -> list[str]:
    """The engines that this environment has."""
    return [name for name in ENGINES if find_spec(name) is not None]


def advice() -> str:
    """What to do about a PDF that holds pictures of text: both engines write Markdown, which can be acquired."""
    found = installed()
    commands = " or ".join(f"`{ENGINES[name]}`" for name in found or ENGINES)
    if found:
        return f"its pages are pictures; {', '.join(found)} is installed: run {commands}, and acquire the Markdown"
    return f"its pages are pictures; pip install {' or '.join(ENGINES)}, run {commands}, and acquire the Markdown"
