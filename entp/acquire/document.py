"""What is read of a document whatever its format: blocks of text in reading order, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from entp.records import digest_of

Kind = Literal["html", "pdf", "docx", "epub", "markdown"]
BlockKind = Literal["heading", "paragraph", "list", "table", "code"]
#: What stands between two blocks in a document's text.
GAP = "\n\n"


@dataclass(frozen=True)
class Origin:
    """A document to read: its `address` (path or URL), the file that holds it, and the `source` its rows will name."""

    address: str
    path: Path
    kind: Kind
    source: str


@dataclass(frozen=True)
class Block:
    """A piece of a document. `level` is a heading's (1 is the outermost), `page` counts from 1, if there are pages."""

    kind: BlockKind
    text: str
    level: int = 0
    page: int | None = None


@dataclass(frozen=True)
class Extracted:
    """What a format's reader found in a file. `pictures` are pages that hold pictures and no text."""

    title: str | None
    licence: str | None
    blocks: tuple[Block, ...]
    pages: int | None = None
    pictures: tuple[int, ...] = ()


@dataclass(frozen=True)
class Document:
    """A document that was read: its `text` is that of its blocks with GAP between them."""

    origin: Origin
    title: str | None
    licence: str | None
    pages: int | None
    blocks: tuple[Block, ...]

    @cached_property
    def text(self) -> str:
        return GAP.join(block.text for block in self.blocks)

    @cached_property
    def document_id(self) -> str:
        return digest_of([self.origin.address, self.text])


@dataclass(frozen=True)
class LeftOut:
    """Something that became nothing, and why: a row of ACQUIRED_LEFT_OUT."""

    address: str
    reason: str
    detail: str = ""
    passage_id: str | None = None
    style: str | None = None
    page: int | None = None
    start: int | None = None
    end: int | None = None


class UnreadableError(Exception):
    """A document or page that cannot be taken; `reason` is one of ACQUIRED_REASONS."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
