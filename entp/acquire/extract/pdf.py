"""PDF through pypdf, page by page: what is printed, in lines, which `lines.py` makes paragraphs and headings of."""

from __future__ import annotations

import io
from typing import Any

from entp.acquire.document import Extracted, UnreadableError
from entp.acquire.extract.licence import named_licence
from entp.acquire.extract.lines import Line, blocks_of_lines, without_running_heads
from entp.acquire.ocr import advice
from entp.acquire.packages import package
from entp.errors import one_line

Matrix = list[float]


def read_pdf(content: bytes) -> Extracted:
    """The text of a PDF with the page of every block, its title, and the rights that its metadata state.

    Raises UnreadableError where it is damaged, needs a password, or holds pictures of text alone (`needs_ocr`).
    """
    pypdf = package("pypdf")
    try:
        reader = pypdf.PdfReader(io.BytesIO(content))
        locked = reader.is_encrypted and not reader.decrypt("")
    except pypdf.errors.DependencyError as error:
        raise UnreadableError("encrypted", one_line(error)) from error
    except pypdf.errors.PyPdfError as error:
        raise UnreadableError("unreadable", f"not a whole PDF: {one_line(error)}") from error
    if locked:
        raise UnreadableError("encrypted", "it opens with a password only")
    pages = [_lines(page, number) for number, page in enumerate(reader.pages, 1)]
    blocks = blocks_of_lines(without_running_heads(pages))
    pictures = tuple(
        number for number, page in enumerate(reader.pages, 1) if not pages[number - 1] and _has_pictures(page)
    )
    if not blocks and pictures:
        raise UnreadableError("needs_ocr", advice())
    return Extracted(_title(reader), named_licence(_rights(reader)), tuple(blocks), len(pages), pictures)


def _lines(page: Any, number: int) -> list[Line]:
    """The lines of a page as pypdf orders them, each with its height above the bottom and the size of its letters."""
    lines: list[Line] = []
    parts: list[tuple[str, float, float]] = []

    def end_line() -> None:
        text = " ".join("".join(part for part, _, _ in parts).split())
        if text:
            # The first part says where the line is, the longest how large it is.
            size = max(parts, key=lambda part: len(part[0].strip()))[2]
            height = next(height for part, height, _ in parts if part.strip())
            lines.append(Line(text, size, height, number))
        parts.clear()

    def visit(text: str, user: Matrix, matrix: Matrix, _font: object, size: float) -> None:
        height = matrix[4] * user[1] + matrix[5] * user[3] + user[5]
        scale = abs(matrix[3] * user[3]) or 1.0
        for place, part in enumerate(text.split("\n")):
            if place:
                end_line()
            parts.append((part, height, size * scale))

    page.extract_text(visitor_text=visit)
    end_line()
    return lines


def _has_pictures(page: Any) -> bool:
    resources = page.get("/Resources")
    return resources is not None and "/XObject" in resources.get_object()


def _title(reader: Any) -> str | None:
    title = reader.metadata.title if reader.metadata else None
    return " ".join(str(title).split()) or None if title else None


def _rights(reader: Any) -> list[str | None]:
    """What the metadata state: XMP's `dc:rights` in any language, or a field of that name."""
    metadata = reader.xmp_metadata
    stated: list[str | None] = [*metadata.dc_rights.values()] if metadata is not None else []
    fields = reader.metadata or {}
    return [*stated, *(str(fields[name]) for name in ("/License", "/Licence", "/Rights") if name in fields)]
