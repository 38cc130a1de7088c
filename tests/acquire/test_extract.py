from __future__ import annotations

import io

import pytest

from entp.acquire.document import UnreadableError
from entp.acquire.extract import extract
from entp.errors import SetupError
from tests.acquire.library import book_pages, docx, epub, html, markdown, pdf, prose, zipped


def kinds(found) -> list[str]:
    return [block.kind for block in found.blocks]


def test_a_page_is_read_without_its_menu_and_footer():
    found = extract(html("Bees"), "html")
    assert kinds(found) == ["heading", "paragraph", "heading", "paragraph", "list"]
    assert [block.text for block in found.blocks[:3]] == ["Bees", prose("Bees", "first"), "How it is done"]
    assert found.blocks[4].text.startswith("- ")
    assert found.title == "Bees"


@pytest.mark.parametrize(
    ("stated", "licence"),
    [
        ('<link rel="license" href="https://creativecommons.org/licenses/by-sa/4.0/">', "CC-BY-SA-4.0"),
        ('<meta name="dc.rights" content="Free for schools">', "Free for schools"),
        ("", None),
    ],
)
def test_the_licence_is_what_the_page_states(stated, licence):
    assert extract(html("Bees", head=stated), "html").licence == licence


def test_a_licence_may_stand_in_the_footer():
    foot = '<a rel="license" href="https://creativecommons.org/publicdomain/zero/1.0/">no rights reserved</a>'
    assert extract(html("Bees", foot=foot), "html").licence == "CC0-1.0"


def test_a_pdf_keeps_pages_paragraphs_and_headings_and_drops_running_heads():
    found = extract(pdf(book_pages("Clay"), "The Book of Clay"), "pdf")
    assert (found.title, found.pages) == ("The Book of Clay", 3)
    assert [(block.kind, block.page) for block in found.blocks] == [
        ("heading", 1),
        *(("paragraph", page) for page in (1, 1, 2, 2, 3, 3)),
    ]
    assert found.blocks[1].text == prose("Clay", " page 1 first", 5)
    assert not any("The Book of" in block.text for block in found.blocks)


def test_a_word_broken_at_the_end_of_a_line_is_whole_again():
    found = extract(pdf([[(700, 12, "Kilns are heated slow-"), (686, 12, "ly, over a day.")]]), "pdf")
    assert found.blocks[0].text == "Kilns are heated slowly, over a day."


def test_a_picture_among_pages_of_text_is_named():
    found = extract(pdf([*book_pages("Clay", 2), []]), "pdf")
    assert found.pictures == (3,)


def test_a_word_document_keeps_headings_and_tables():
    found = extract(docx("Bread"), "docx")
    assert kinds(found) == ["heading", "paragraph", "heading", "paragraph", "table"]
    assert found.blocks[4].text == "Tool | Use\nKnife | cuts"
    assert found.title == "Bread, a manual"


def test_a_book_is_read_in_the_order_of_its_spine_without_its_navigation():
    found = extract(epub("Looms"), "epub")
    assert [block.text for block in found.blocks if block.kind == "heading"] == ["Beginnings", "Endings"]
    assert found.blocks[1].text.endswith("Café.")
    assert (found.title, found.licence) == ("Looms at Home", "CC-BY-SA-4.0")


def test_markdown_keeps_code_and_what_its_front_matter_says():
    found = extract(markdown("Soap"), "markdown")
    assert kinds(found) == ["heading", "paragraph", "heading", "paragraph", "code"]
    assert found.blocks[4].text == "```\nmake soap\n```"
    assert (found.title, found.licence) == ("Soap in short", "CC-BY-4.0")


def test_lists_inside_lists_are_indented_and_breaks_are_kept():
    text = "1. first\n   - inside\n2. second\n\none  \ntwo\nthree\n"
    found = extract(text.encode(), "markdown")
    assert [block.text for block in found.blocks] == ["1. first\n  - inside\n2. second", "one\ntwo three"]


def locked_pdf() -> bytes:
    import pypdf

    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf(book_pages("Clay", 1))))
    writer.encrypt("secret", algorithm="RC4-128")
    held = io.BytesIO()
    writer.write(held)
    return held.getvalue()


BROKEN = {
    "html without text": ("html", b"<html><body><img src=x></body></html>", "no_text"),
    "empty html": ("html", b"", "unreadable"),
    "cut pdf": ("pdf", pdf(book_pages("Clay"))[:60], "unreadable"),
    "no pdf": ("pdf", b"plain words", "unreadable"),
    "pdf with a password": ("pdf", locked_pdf(), "encrypted"),
    "pdf of pictures": ("pdf", pdf([[], []]), "needs_ocr"),
    "no zip": ("docx", b"plain words", "unreadable"),
    "a zip that is no document": ("docx", zipped({"a.txt": "a"}), "unreadable"),
    "docx of broken xml": ("docx", zipped({"word/document.xml": "<w:document"}), "unreadable"),
    "book without container": ("epub", epub("Looms", without="META-INF/container.xml"), "unreadable"),
    "book without chapter": ("epub", epub("Looms", without="OPS/one.xhtml"), "unreadable"),
    "locked book": ("epub", epub("Looms", locked=True), "encrypted"),
    "markdown in latin-1": ("markdown", "Caf\xe9".encode("latin-1"), "unreadable"),
    "empty markdown": ("markdown", b"\n\n", "no_text"),
}


@pytest.mark.parametrize(("kind", "content", "reason"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_read_has_a_reason_of_its_own(kind, content, reason):
    with pytest.raises(UnreadableError) as caught:
        extract(content, kind)
    assert caught.value.reason == reason
    assert caught.value.detail


def test_a_scan_says_what_would_make_text_of_it():
    with pytest.raises(UnreadableError, match=r"make Markdown of it with paddleocr or mineru, and"):
        extract(pdf([[]]), "pdf")


def test_an_engine_that_is_installed_is_named(monkeypatch):
    monkeypatch.setattr("entp.acquire.ocr.find_spec", lambda name: object() if name == "mineru" else None)
    with pytest.raises(UnreadableError, match=r"with mineru, which is installed, and"):
        extract(pdf([[]]), "pdf")


def test_a_small_file_that_would_unpack_to_a_large_one_is_refused(monkeypatch):
    monkeypatch.setattr("entp.acquire.extract.archive.LARGEST", 100)
    with pytest.raises(UnreadableError, match="unpacks to more than 100 bytes"):
        extract(docx("Bread"), "docx")


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pypdf", None)
    with pytest.raises(SetupError, match=r'pip install "entp\[acquire\]"'):
        extract(pdf(book_pages("Clay", 1)), "pdf")
