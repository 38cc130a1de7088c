"""Paragraphs and headings of printed lines, by the size of letters and the white between lines.

A PDF says where letters are, not what they are. The limits here are our choice.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from entp.acquire.document import Block

#: Letters this much larger than the commonest are a heading's.
HEADING_SIZE = 1.15
LONGEST_HEADING = 200
#: White this much above the commonest distance of two lines parts paragraphs.
PARAGRAPH_GAP = 1.3
#: Distance of two lines in sizes of their letters, where none is common.
USUAL_LEADING = 1.2
#: A page's outermost lines are running heads where as many pages have them, and half of all do.
RUNNING_PAGES = 3
EDGE_LINES = 2
_BULLET = re.compile(r"(?:[-–•▪◦*]|\(?\d{1,2}[.)]|\(?[a-z]\))\s+\S")
_BROKEN_WORD = re.compile(r"[^\W\d_]-\Z")
_CJK_EDGE = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]")


@dataclass(frozen=True)
class Line:
    """A printed line: the `size` of its letters and its `height` above the bottom, in points; `page` counts from 1."""

    text: str
    size: float
    height: float
    page: int


def without_running_heads(pages: Sequence[Sequence[Line]]) -> list[Line]:
    """The lines of all pages but for those that stand at the edge of most, page numbers apart."""
    edges = Counter(key for lines in pages for key in {_masked(line) for line in _edge(lines)})
    needed = max(RUNNING_PAGES, len(pages) / 2)
    running = {key for key, count in edges.items() if count >= needed}
    return [line for lines in pages for line in lines if not (_masked(line) in running and line in _edge(lines))]


def blocks_of_lines(lines: Sequence[Line]) -> list[Block]:
    """Headings and paragraphs in the order of lines; no paragraph goes beyond its page."""
    if not lines:
        return []
    body = _body_size(lines)
    leading = _leading(lines, body)
    sizes = sorted({_rounded(line.size) for line in lines if _is_heading(line, body)}, reverse=True)
    groups: list[list[Line]] = []
    for line in lines:
        if groups and _goes_on(groups[-1][-1], line, body, leading):
            groups[-1].append(line)
        else:
            groups.append([line])
    return [_block(group, body, sizes) for group in groups]


def _block(group: Sequence[Line], body: float, sizes: Sequence[float]) -> Block:
    first = group[0]
    text = _joined(line.text for line in group)
    if _is_heading(first, body) and len(text) <= LONGEST_HEADING:
        return Block("heading", text.replace("\n", " "), sizes.index(_rounded(first.size)) + 1, first.page)
    return Block("paragraph", text, page=first.page)


def _goes_on(before: Line, line: Line, body: float, leading: float) -> bool:
    """Whether a line belongs to the paragraph of the one before; the top of a column may go on from another's foot."""
    if before.page != line.page or _is_heading(before, body) != _is_heading(line, body):
        return False
    if abs(before.size - line.size) > (HEADING_SIZE - 1) * body:
        return False
    usual = leading * max(1.0, line.size / body)
    return before.height - line.height <= PARAGRAPH_GAP * usual


def _body_size(lines: Sequence[Line]) -> float:
    """The size that most characters have."""
    characters: Counter[float] = Counter()
    for line in lines:
        characters[_rounded(line.size)] += len(line.text)
    return characters.most_common(1)[0][0]


def _leading(lines: Sequence[Line], body: float) -> float:
    """The commonest distance of two lines in points."""
    gaps = Counter(
        round(above.height - line.height)
        for above, line in pairwise(lines)
        if above.page == line.page and 0 < above.height - line.height <= 3 * body
    )
    return float(gaps.most_common(1)[0][0]) if gaps else USUAL_LEADING * body


def _joined(texts: Iterable[str]) -> str:
    """Lines as one text: words that were broken at the end of a line are whole again, items of a list on their own."""
    joined = ""
    for text in texts:
        if not joined:
            joined = text
        elif _BULLET.match(text):
            joined += "\n" + text
        elif _BROKEN_WORD.search(joined) and text[0].islower():
            joined = joined[:-1] + text
        elif _CJK_EDGE.match(joined[-1]) and _CJK_EDGE.match(text[0]):
            joined += text
        else:
            joined += " " + text
    return joined


def _is_heading(line: Line, body: float) -> bool:
    return line.size >= HEADING_SIZE * body


def _rounded(size: float) -> float:
    return round(size * 2) / 2


def _edge(lines: Sequence[Line]) -> list[Line]:
    return [*lines[:EDGE_LINES], *lines[-EDGE_LINES:]]


def _masked(line: Line) -> str:
    return re.sub(r"\d+", "0", line.text.lower())
