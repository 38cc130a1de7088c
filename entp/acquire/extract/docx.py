"""Word documents: mammoth turns them into HTML by their styles."""

from __future__ import annotations

import io

from entp.acquire.document import Extracted
from entp.acquire.extract.archive import member, opened, words_of, xml
from entp.acquire.extract.licence import named_licence
from entp.acquire.extract.structure import blocks_of
from entp.acquire.packages import package

_PROPERTIES = "docProps/core.xml"
#: Beside mammoth's own styles.
_STYLES = "p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => h2:fresh"


def read_docx(content: bytes) -> Extracted:
    """Headings, paragraphs, lists and tables of a document; pictures are left out.

    Raises UnreadableError where it is no DOCX, or damaged.
    """
    archive = opened(content)
    member(archive, "word/document.xml")
    mammoth = package("mammoth")
    converted = mammoth.convert_to_html(
        io.BytesIO(content), style_map=_STYLES, convert_image=mammoth.images.img_element(lambda _: {})
    )
    blocks = blocks_of(package("lxml.html").fragment_fromstring(converted.value, create_parent="div"))
    properties = xml(member(archive, _PROPERTIES)) if _PROPERTIES in archive.namelist() else None
    title, rights = (None, None) if properties is None else (words_of(properties, n) for n in ("title", "rights"))
    first = next((block.text for block in blocks if block.kind == "heading"), None)
    return Extracted(title or first, named_licence([rights]), tuple(blocks))
