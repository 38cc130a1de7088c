"""E-books: the chapters of an EPUB in reading order. The format is a zip file of XHTML, and is read as such."""

from __future__ import annotations

import posixpath
import zipfile
from typing import Any
from urllib.parse import unquote

from entp.acquire.document import Block, Extracted, UnreadableError
from entp.acquire.extract.archive import member, opened, words_of, xml
from entp.acquire.extract.licence import named_licence
from entp.acquire.extract.structure import blocks_of
from entp.acquire.packages import package

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_CHAPTERS = ("application/xhtml+xml", "text/html")


def read_epub(content: bytes) -> Extracted:
    """The text of a book's chapters, without its navigation.

    Raises UnreadableError where it is no EPUB, a chapter is missing, or its chapters are encrypted.
    """
    archive = opened(content)
    rootfile = xml(member(archive, _CONTAINER)).find(".//{*}rootfile")
    place = "" if rootfile is None else rootfile.get("full-path", "")
    book = xml(member(archive, place))
    chapters = _chapters(book, posixpath.dirname(place))
    _demand_readable(archive, chapters)
    blocks = [block for chapter in chapters for block in _blocks(member(archive, chapter))]
    return Extracted(words_of(book, "title"), named_licence([words_of(book, "rights")]), tuple(blocks))


def _chapters(book: Any, folder: str) -> list[str]:
    """The members that the spine lists, in its order."""
    items = {
        item.get("id"): item
        for item in book.iterfind(".//{*}manifest/{*}item")
        if item.get("media-type") in _CHAPTERS and "nav" not in (item.get("properties") or "").split()
    }
    listed = [items[name] for reference in book.iterfind(".//{*}itemref") if (name := reference.get("idref")) in items]
    return [posixpath.normpath(posixpath.join(folder, unquote(item.get("href", "")))) for item in listed]


def _demand_readable(archive: zipfile.ZipFile, chapters: list[str]) -> None:
    if _ENCRYPTION not in archive.namelist():
        return
    # Fonts may be listed there too, and hinder nobody.
    locked = {unquote(one.get("URI", "")) for one in xml(member(archive, _ENCRYPTION)).iter("{*}CipherReference")}
    if locked & set(chapters):
        raise UnreadableError("encrypted", "its chapters are encrypted")


def _blocks(chapter: bytes) -> list[Block]:
    html = package("lxml.html")
    # lxml takes UTF-8 for Latin-1 where the chapter states no encoding, and books state it in the XML declaration.
    tree = html.document_fromstring(chapter, parser=html.HTMLParser(encoding=_encoding(chapter)))
    body = tree.find("body")
    return blocks_of(tree if body is None else body)


def _encoding(chapter: bytes) -> str:
    return "utf-16" if chapter[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
