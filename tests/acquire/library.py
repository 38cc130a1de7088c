"""Documents of every format, made here: prose by chance but always the same, in files as others write them."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

SUBJECTS = (
    *("Bees", "Clay", "Bread", "Looms", "Canals", "Lenses", "Bells", "Hedges", "Salt", "Paper", "Kites", "Wells"),
    *("Candles", "Baskets", "Cheese", "Ropes", "Bridges", "Saws", "Dyes", "Orchards", "Glass", "Nails", "Sails"),
    *("Stoves", "Clocks", "Maps", "Barrels", "Soap", "Tiles", "Wool"),
)
_PEOPLE = ("growers", "masons", "apprentices", "merchants", "villagers", "smiths", "weavers", "teachers", "sailors")
_DEEDS = ("measure", "clean", "repair", "store", "weigh", "sort", "paint", "carry", "compare", "inspect", "heat")
_THINGS = ("frames", "kilns", "tools", "ropes", "jars", "wheels", "seeds", "boards", "wires", "stones", "cloths")
_PLACES = ("valley", "harbour", "market", "workshop", "cellar", "mountain", "river", "garden", "island", "forest")
_SEASONS = ("spring", "summer", "autumn", "winter", "the rain", "the frost", "the harvest", "the long nights")
_PATTERNS = (
    "{subject} have been part of life in the {place} for about {number} years, because {people} {deed} the {things}.",
    "In {season}, {people} {deed} their {things} before they turn to the {other} of the {place}.",
    "A good {place} needs at least {number} {things}, and {people} who {deed} them with care.",
    "When the {things} of the {place} are old, it is best to {deed} the {other} first.",
    "The oldest {things} that {people} still {deed} come from a {place} and are {number} years old.",
    "Few {people} know that {season} is the right time to {deed} {things} near the {place}.",
    "It takes {number} days to {deed} all the {things}, which is why {people} begin before {season}.",
)


def prose(subject: str, seed: str, sentences: int = 6) -> str:
    """A paragraph about a subject, the same for the same seed."""
    chance = random.Random(f"{subject} {seed}")
    return " ".join(
        chance.choice(_PATTERNS).format(
            subject=subject,
            place=chance.choice(_PLACES),
            number=chance.randrange(11, 999),
            people=chance.choice(_PEOPLE),
            deed=chance.choice(_DEEDS),
            things=chance.choice(_THINGS),
            other=chance.choice(_THINGS),
            season=chance.choice(_SEASONS),
        )
        for _ in range(sentences)
    )


def html(subject: str, head: str = "", foot: str = "") -> bytes:
    """A page with a menu, two sections, a list and a footer."""
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{subject} - The Craft Pages</title>
<meta property="og:title" content="{subject}">{head}</head><body>
<nav><a href="/">Home</a> <a href="/shop">Shop</a> <a href="/login">Log in</a></nav>
<article><h1>{subject}</h1><p>{prose(subject, "first")}</p>
<h2>How it is done</h2><p>{prose(subject, "second")}</p>
<ul><li>{prose(subject, "one", 1)}</li><li>{prose(subject, "two", 1)}</li></ul></article>
<footer><p>Subscribe to our newsletter</p>{foot}</footer></body></html>""".encode()


def pdf(pages: Sequence[Sequence[tuple[int, int, str]]], title: str | None = None) -> bytes:
    """A PDF whose pages hold (height, size of letters, text) lines; a page without lines holds a picture."""
    objects = [b"", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"]
    picture = b"<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8"
    objects.append(picture + b" /Length 1 >>\nstream\n0\nendstream")
    kids = []
    for lines in pages:
        shown = [f"BT /F1 {size} Tf 1 0 0 1 72 {height} Tm ({_escaped(text)}) Tj ET" for height, size, text in lines]
        content = ("\n".join(shown) or "q 612 0 0 792 0 0 cm /I1 Do Q").encode("cp1252")
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
        resources = b"<< /Font << /F1 3 0 R >> >>" if lines else b"<< /XObject << /I1 4 0 R >> >>"
        page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources %s /Contents %d 0 R >>"
        objects.append(page % (resources, len(objects)))
        kids.append(len(objects))
    objects[0] = b"<< /Type /Catalog /Pages 2 0 R >>"
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), b" ".join(b"%d 0 R" % kid for kid in kids))
    objects.append(f"<< /Title ({_escaped(title or '')}) >>".encode("cp1252"))
    return _with_table(objects)


def book_pages(subject: str, pages: int = 3, seed: str = "") -> list[list[tuple[int, int, str]]]:
    """Pages with a running head, a heading on the first, and paragraphs in lines."""
    made = []
    for number in range(1, pages + 1):
        lines = [(770, 9, f"The Book of {subject} - {number}")]
        if number == 1:
            lines.append((730, 20, f"On {subject}"))
        height = 690
        for paragraph in ("first", "second"):
            for line in _wrapped(prose(subject, f"{seed} page {number} {paragraph}", 5), 80):
                lines.append((height, 12, line))
                height -= 14
            height -= 14
        made.append(lines)
    return made


def docx(subject: str) -> bytes:
    """A Word document with a title, headings, paragraphs, a list and a table."""
    body = [
        _word_paragraph(subject, "Title"),
        _word_paragraph(prose(subject, "word first")),
        _word_paragraph("Tools", "Heading1"),
        _word_paragraph(prose(subject, "word second")),
        _word_table([["Tool", "Use"], ["Knife", "cuts"]]),
    ]
    return zipped(
        {
            "[Content_Types].xml": _CONTENT_TYPES,
            "_rels/.rels": _relations("officeDocument", "word/document.xml"),
            "word/document.xml": f'<w:document xmlns:w="{_WORD}"><w:body>{"".join(body)}</w:body></w:document>',
            "word/styles.xml": f'<w:styles xmlns:w="{_WORD}">{_style("Title", "Title")}'
            f"{_style('Heading1', 'heading 1')}</w:styles>",
            "word/_rels/document.xml.rels": _relations("styles", "styles.xml"),
            "docProps/core.xml": '<c:coreProperties xmlns:c="urn:core" xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f"<dc:title>{subject}, a manual</dc:title></c:coreProperties>",
        }
    )


def epub(subject: str, locked: bool = False, without: str = "") -> bytes:
    """A book of two chapters, listed out of order in its manifest."""
    chapter = '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><body>{}</body></html>'
    members = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OPS/book.opf"/></rootfiles></container>',
        "OPS/book.opf": f"""<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">
<metadata><dc:title>{subject} at Home</dc:title><dc:rights>CC BY-SA 4.0</dc:rights></metadata>
<manifest><item id="b" href="two%20b.xhtml" media-type="application/xhtml+xml"/>
<item id="a" href="one.xhtml" media-type="application/xhtml+xml"/>
<item id="n" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/></manifest>
<spine><itemref idref="n"/><itemref idref="a"/><itemref idref="b"/></spine></package>""",
        "OPS/one.xhtml": chapter.format(f"<h1>Beginnings</h1><p>{prose(subject, 'chapter one')} Café.</p>"),
        "OPS/two b.xhtml": chapter.format(f"<h1>Endings</h1><p>{prose(subject, 'chapter two')}</p>"),
        "OPS/nav.xhtml": chapter.format("<nav><ol><li><a href='one.xhtml'>Beginnings</a></li></ol></nav>"),
    }
    if locked:
        members["META-INF/encryption.xml"] = (
            '<encryption><EncryptedData><CipherReference URI="OPS/one.xhtml"/></EncryptedData></encryption>'
        )
    return zipped({name: text for name, text in members.items() if name != without})


def markdown(subject: str) -> bytes:
    return f"""---
title: {subject} in short
license: CC-BY-4.0
---
# {subject}

{prose(subject, "markdown first")}

## Steps

{prose(subject, "markdown second")}

```sh
make {subject.lower()}
```
""".encode()


def zipped(members: dict[str, str]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return held.getvalue()


class Library(NamedTuple):
    folder: Path
    pages: int = 20
    pdfs: int = 5
    docx: int = 3


def write_library(folder: Path) -> Library:
    """20 saved pages, 5 PDFs, 3 Word documents, an e-book and a Markdown file, each about a subject of its own."""
    subjects = iter(SUBJECTS)
    made = Library(folder)
    cc = '<link rel="license" href="https://creativecommons.org/licenses/by/4.0/">'
    for number in range(made.pages):
        _write(folder / f"pages/page{number:02d}.html", html(next(subjects), head=cc if number % 2 else ""))
    for number in range(made.pdfs):
        subject = next(subjects)
        _write(folder / f"books/book{number}.pdf", pdf(book_pages(subject), f"The Book of {subject}"))
    for number in range(made.docx):
        _write(folder / f"manuals/manual{number}.docx", docx(next(subjects)))
    _write(folder / "home.epub", epub(next(subjects)))
    _write(folder / "short.md", markdown(next(subjects)))
    return made


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_CONTENT_TYPES = (
    f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="application/xml"/>'
    f'<Override PartName="/word/document.xml" ContentType="{_MAIN}"/></Types>'
)


def _relations(kind: str, target: str) -> str:
    relation = f'<Relationship Id="r1" Type="{_OFFICE}/{kind}" Target="{target}"/>'
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{relation}</Relationships>'


def _style(name: str, shown: str) -> str:
    return f'<w:style w:type="paragraph" w:styleId="{name}"><w:name w:val="{shown}"/></w:style>'


def _word_paragraph(text: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r></w:p>"


def _word_table(rows: Sequence[Sequence[str]]) -> str:
    lines = ("".join(f"<w:tc>{_word_paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{line}</w:tr>' for line in lines)}</w:tbl>"


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _with_table(objects: Sequence[bytes]) -> bytes:
    """The file: objects, the table of where each begins, and the trailer; the last object is the information."""
    written = b"%PDF-1.4\n"
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF"
    count = len(objects) + 1
    return (
        written
        + b"xref\n0 %d\n0000000000 65535 f \n%s" % (count, table)
        + trailer
        % (
            count,
            len(objects),
            len(written),
        )
    )
