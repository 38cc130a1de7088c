"""Cut documents into passages by structure: along headings, then paragraphs, then sentences. Our choice throughout.

A passage is a stretch of its document's text, so that its offsets lead back to it exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from entp.acquire.document import GAP, Block, Document
from entp.records import digest_of
from entp.text.language import detect_language

#: Where a paragraph may be cut: after a sentence, with the space that follows it.
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|(?<=[。！？])")
_LINE_END = re.compile(r"\n")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Passage:
    """`text` is the document's from character `start` to `end`; pages are those it begins and ends on, from 1."""

    document: Document
    text: str
    start: int
    end: int
    headings: tuple[str, ...]
    page: int | None
    last_page: int | None

    @cached_property
    def passage_id(self) -> str:
        return digest_of([self.document.origin.address, self.start, self.end, self.text])

    @cached_property
    def language(self) -> str:
        """ISO 639-1, `und` where it can't be told."""
        return detect_language(self.text)[0]


@dataclass(frozen=True)
class _Piece:
    """A block, or a part of one, and where it stands in the document's text."""

    block: Block
    start: int
    end: int
    headings: tuple[str, ...]


def passages_of(document: Document, shortest: int, longest: int) -> list[Passage]:
    """The passages of a document, in order; together they hold all of its text.

    A heading begins a new one where the one before has `shortest` characters, and none has more than `longest`. The
    last of a document, or the part before a piece that does not fit, may be shorter.
    """
    text = document.text
    return [_passage(document, text, group) for group in _groups(_pieces(document, longest), shortest, longest)]


def _passage(document: Document, text: str, group: Sequence[_Piece]) -> Passage:
    first, last = group[0], group[-1]
    stretch = text[first.start : last.end]
    return Passage(document, stretch, first.start, last.end, first.headings, first.block.page, last.block.page)


def _groups(pieces: Iterable[_Piece], shortest: int, longest: int) -> list[list[_Piece]]:
    groups: list[list[_Piece]] = []
    for piece in pieces:
        if groups and _belongs(groups[-1], piece, shortest, longest):
            groups[-1].append(piece)
        else:
            groups.append([*_taken_along(groups, piece, longest), piece])
    if len(groups) > 1 and _size(groups[-1]) < shortest and groups[-1][-1].end - groups[-2][0].start <= longest:
        groups[-2:] = [groups[-2] + groups[-1]]
    return groups


def _belongs(group: Sequence[_Piece], piece: _Piece, shortest: int, longest: int) -> bool:
    """Whether a passage goes on with this piece: it fits, and begins no section after one that is long enough."""
    if piece.end - group[0].start > longest:
        return False
    ends_section = group[-1].block.kind != "heading" and piece.block.kind == "heading"
    return not ends_section or _size(group) < shortest


def _taken_along(groups: Sequence[list[_Piece]], piece: _Piece, longest: int) -> list[_Piece]:
    """Headings taken from the end of the last group, as they belong to the piece that did not fit there."""
    taken: list[_Piece] = []
    while groups and len(groups[-1]) > 1 and groups[-1][-1].block.kind == "heading":
        if piece.end - groups[-1][-1].start > longest:
            break
        taken.insert(0, groups[-1].pop())
    return taken


def _size(group: Sequence[_Piece]) -> int:
    return group[-1].end - group[0].start


def _pieces(document: Document, longest: int) -> Iterator[_Piece]:
    """The document's blocks, those that are too long in parts, with the headings that each stands under."""
    start = 0
    under: list[Block] = []
    for block in document.blocks:
        if block.kind == "heading":
            under = [*(above for above in under if above.level < block.level), block]
        names = tuple(heading.text for heading in under)
        for begin, end in _cut(block, longest):
            yield _Piece(block, start + begin, start + end, names)
        start += len(block.text) + len(GAP)


def _cut(block: Block, longest: int) -> list[tuple[int, int]]:
    """Where the parts of a block are, none longer than `longest`: the block itself where it is no longer."""
    ends = [_SENTENCE_END] if block.kind in ("paragraph", "heading") else [_LINE_END]
    return _parts(block.text, 0, len(block.text), longest, [*ends, _SPACE])


def _parts(text: str, start: int, end: int, longest: int, cuts: Sequence[re.Pattern[str]]) -> list[tuple[int, int]]:
    """Stretches between cuts, as many on end as fit; what is still too long is cut by the next kind, or anywhere."""
    if end - start <= longest:
        return [(start, end)]
    if not cuts:
        return [(begin, min(begin + longest, end)) for begin in range(start, end, longest)]
    parts: list[tuple[int, int]] = []
    for begin, stop in _between(text, start, end, cuts[0]):
        if parts and stop - parts[-1][0] <= longest:
            parts[-1] = (parts[-1][0], stop)
        else:
            parts += _parts(text, begin, stop, longest, cuts[1:])
    return parts


def _between(text: str, start: int, end: int, cut: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    begin = start
    for found in cut.finditer(text, start, end):
        if found.start() > begin and found.end() < end:
            yield begin, found.start()
            begin = found.end()
    yield begin, end
