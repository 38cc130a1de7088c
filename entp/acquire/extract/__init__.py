"""Readers of the formats: the bytes of a document in, its blocks and what it says of itself out."""

from __future__ import annotations

import logging
from collections.abc import Callable

from entp.acquire.document import Extracted, Kind, UnreadableError
from entp.acquire.extract.docx import read_docx
from entp.acquire.extract.epub import read_epub
from entp.acquire.extract.html import read_html
from entp.acquire.extract.markdown import read_markdown
from entp.acquire.extract.pdf import read_pdf
from entp.errors import EntpError, one_line

# What they say of damaged documents is in what they raise; on standard error nobody could tell of which document.
for _library in ("pypdf", "trafilatura", "htmldate"):
    logging.getLogger(_library).setLevel(logging.CRITICAL)

READERS: dict[Kind, Callable[[bytes], Extracted]] = {
    "html": read_html,
    "pdf": read_pdf,
    "docx": read_docx,
    "epub": read_epub,
    "markdown": read_markdown,
}


def extract(content: bytes, kind: Kind) -> Extracted:
    """Read a document.

    Raises UnreadableError, with a reason of ACQUIRED_REASONS, where it cannot be read or holds no text, and SetupError
    where the package that reads it is not installed.
    """
    try:
        found = READERS[kind](content)
    except (EntpError, UnreadableError):
        raise
    except Exception as error:
        # Whatever a library makes of a damaged document: one of them must not end the work on all others.
        raise UnreadableError("unreadable", f"{type(error).__name__}: {one_line(error)}") from error
    if not found.blocks:
        raise UnreadableError("no_text", "there is no text in it")
    return found
