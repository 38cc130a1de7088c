"""Markdown by CommonMark with tables, and the title and licence of its front matter."""

from __future__ import annotations

import re
from typing import Any

import yaml

from entp.acquire.document import Extracted, UnreadableError
from entp.acquire.extract.licence import named_licence
from entp.acquire.extract.structure import blocks_of
from entp.acquire.packages import package

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?P<fields>.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)


def read_markdown(content: bytes) -> Extracted:
    """Headings, paragraphs, lists, tables and code of a text. Raises UnreadableError where it is not UTF-8."""
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UnreadableError("unreadable", f"not UTF-8: {error}") from error
    front = _FRONT_MATTER.match(text)
    fields = _fields(front["fields"]) if front else {}
    body = text[front.end() :] if front else text
    rendered = package("markdown_it").MarkdownIt("commonmark").enable("table").render(body)
    blocks = blocks_of(package("lxml.html").fragment_fromstring(rendered, create_parent="div"))
    first = next((block.text for block in blocks if block.kind == "heading"), None)
    licence = named_licence(_said(fields, name) for name in ("license", "licence", "rights"))
    return Extracted(_said(fields, "title") or first, licence, tuple(blocks))


def _fields(text: str) -> dict[str, Any]:
    """The fields of a front matter; none where it is not YAML's, for a text may begin with a rule."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


def _said(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    return str(value) if isinstance(value, str | int | float) else None
