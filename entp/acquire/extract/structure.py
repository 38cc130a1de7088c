"""Blocks of an element tree: HTML as it is, and the tree that trafilatura makes of a page (TEI's names).

Every format that can be turned into HTML is read by this one function, so that structure means the same everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from entp.acquire.document import Block

#: An element of lxml; the package comes with an extra.
Element = Any
_HEADING = re.compile(r"h([1-6])")
_LISTS = frozenset({"ul", "ol", "list"})
_ITEMS = frozenset({"li", "item"})
_ROWS = frozenset({"tr", "row"})
_CELLS = frozenset({"td", "th", "cell"})
_BREAKS = frozenset({"br", "lb"})
#: Stands for a line break until white space is tidied: a line of the source is none.
_BREAK = "\x1e"
#: What holds no text of the document.
_SILENT = frozenset({"script", "style", "template", "noscript", "svg", "iframe", "object"})
#: What parts the text around it, as browsers show it.
_BLOCKS = frozenset(
    {
        *("h1", "h2", "h3", "h4", "h5", "h6", "head", "p", "pre", "hr", "table", "blockquote", "quote", "address"),
        *("ul", "ol", "list", "dl", "dt", "dd", "figure", "figcaption", "fieldset", "form", "details", "summary"),
        *("body", "main", "article", "section", "header", "footer", "aside", "div"),
    }
)


def blocks_of(root: Element) -> list[Block]:
    """The headings, paragraphs, lists, tables and code below an element, in reading order, without empty ones."""
    return [block for block in _walk(root) if block.text]


def _walk(element: Element) -> Iterator[Block]:
    """The blocks in an element, and paragraphs of the text that stands loose between them."""
    loose = [element.text or ""]
    for child in element:
        if _is_block(child):
            yield Block("paragraph", _tidy("".join(loose)))
            yield from _block(child)
            loose = [child.tail or ""]
        else:
            loose += [_inline(child), child.tail or ""]
    yield Block("paragraph", _tidy("".join(loose)))


def _block(element: Element) -> Iterator[Block]:
    level = _level(element)
    if level:
        yield Block("heading", " ".join(_inline(element).split()), level)
    elif element.tag in _LISTS:
        yield Block("list", "\n".join(_items(element, 0)))
    elif element.tag == "table":
        yield Block("table", "\n".join(_table_rows(element)))
    elif element.tag in ("pre", "code"):
        code = "".join(element.itertext()).strip("\n")
        yield Block("code", f"```\n{code}\n```" if code.strip() else "")
    else:
        yield from _walk(element)


def _is_block(element: Element) -> bool:
    if not isinstance(element.tag, str) or element.tag in _SILENT:
        return False
    if element.tag == "code":
        return "\n" in "".join(element.itertext()).strip("\n") or element.getparent().tag == "body"
    return element.tag in _BLOCKS or any(_is_block(child) for child in element)


def _level(element: Element) -> int:
    """The level of a heading, 0 for anything else."""
    name = element.get("rend", "h1") if element.tag == "head" else element.tag
    found = _HEADING.fullmatch(name)
    return int(found[1]) if found else 0


def _items(element: Element, depth: int) -> Iterator[str]:
    """The lines of a list, those of lists inside it indented."""
    ordered = element.tag == "ol" or element.get("rend") == "ol"
    for number, item in enumerate((child for child in element if child.tag in _ITEMS), 1):
        nested = [below for below in item.iter(*_LISTS) if _item_around(below) is item]
        text = " ".join(_inline(item, apart_from=nested).split())
        if text:
            yield "  " * depth + (f"{number}. " if ordered else "- ") + text
        for below in nested:
            yield from _items(below, depth + 1)


def _item_around(element: Element) -> Element:
    """The list item that an element stands in."""
    return next((around for around in element.iterancestors() if around.tag in _ITEMS), None)


def _table_rows(element: Element) -> Iterator[str]:
    for row in element.iter(*_ROWS):
        cells = [" ".join(_inline(cell).split()) for cell in row if cell.tag in _CELLS]
        if any(cells):
            yield " | ".join(cells)


def _inline(element: Element, apart_from: list[Element] | None = None) -> str:
    """The text inside an element, with a line break for each break and around paragraphs."""
    if not isinstance(element.tag, str) or element.tag in _SILENT:
        return ""
    if element.tag in _BREAKS:
        return _BREAK
    parts = [element.text or ""]
    for child in element:
        if apart_from is None or child not in apart_from:
            parts.append(_inline(child, apart_from))
        parts.append(child.tail or "")
    text = "".join(parts)
    return _BREAK + text + _BREAK if element.tag in _BLOCKS else text


def _tidy(text: str) -> str:
    """Lines without the white space that HTML does not show."""
    return "\n".join(line for line in (" ".join(line.split()) for line in text.split(_BREAK)) if line)
