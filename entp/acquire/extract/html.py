"""Web pages, saved or fetched: trafilatura finds the main text among menus, banners and footers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from entp.acquire.document import Extracted, UnreadableError
from entp.acquire.extract.licence import named_licence
from entp.acquire.extract.structure import blocks_of
from entp.acquire.packages import package

#: Names of <meta> elements that state rights, as Dublin Core and others have them.
_RIGHTS = ("dc.rights", "dcterms.rights", "dcterms.license", "dc.rights.license", "license", "copyright-license")


def read_html(content: bytes) -> Extracted:
    """The main text of a page, its title, and the licence that it links to or names.

    Raises UnreadableError where it is no HTML, or no main text can be told.
    """
    trafilatura = package("trafilatura")
    tree = trafilatura.load_html(content)
    if tree is None:
        raise UnreadableError("unreadable", "not HTML")
    stated = [*_stated(tree)]
    found = trafilatura.bare_extraction(tree, with_metadata=True, include_comments=False, include_tables=True)
    if found is None or found.body is None:
        raise UnreadableError("no_text", "no main text in it")
    return Extracted(found.title, named_licence([*stated, found.license]), tuple(blocks_of(found.body)))


def _stated(tree: Any) -> Iterator[str | None]:
    """What a page says of its licence, the surest first: links of that kind, then metadata."""
    for link in tree.iter("a", "link"):
        if "license" in (link.get("rel") or "").lower().split():
            yield link.get("href") or link.text_content()
    for meta in tree.iter("meta"):
        if (meta.get("name") or meta.get("property") or "").lower() in _RIGHTS:
            yield meta.get("content")
