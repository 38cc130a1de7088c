from __future__ import annotations

from pathlib import Path

import pytest

from entp.acquire.clean import cleaned, faults
from entp.acquire.deduplicate import copies, different_documents
from entp.acquire.document import Block, Document, Extracted, Origin
from entp.acquire.extract import extract
from entp.acquire.passages import passages_of
from entp.config import PurgeConfig
from tests.acquire.library import book_pages, html, markdown, pdf, prose

CONFIG = PurgeConfig()


def document(*blocks: Block, name: str = "a.md") -> Document:
    (made,) = cleaned([(Origin(name, Path(name), "markdown", "docs"), Extracted(None, None, blocks))], CONFIG)
    return made


def paragraph(seed: str, sentences: int = 6) -> Block:
    return Block("paragraph", prose("Bees", seed, sentences))


def read(content: bytes, kind) -> Document:
    return document(*extract(content, kind).blocks)


@pytest.mark.parametrize("longest", [60, 300, 1500])
@pytest.mark.parametrize(
    ("content", "kind"), [(html("Bees"), "html"), (pdf(book_pages("Clay")), "pdf"), (markdown("Soap"), "markdown")]
)
def test_a_passage_is_its_document_s_text_between_its_offsets_and_no_text_is_lost(content, kind, longest):
    whole = read(content, kind)
    passages = passages_of(whole, 50, longest)
    assert [whole.text[one.start : one.end] for one in passages] == [one.text for one in passages]
    assert all(0 < len(one.text) <= longest for one in passages)
    assert "".join("".join(one.text for one in passages).split()) == "".join(whole.text.split())


def test_a_section_begins_a_passage_and_is_named_by_its_headings():
    parts = [Block("heading", "Bees", 1), paragraph("a"), Block("heading", "Tools", 2), paragraph("b")]
    first, second = passages_of(document(*parts), 100, 2000)
    assert (first.headings, second.headings) == (("Bees",), ("Bees", "Tools"))
    assert second.text.startswith("Tools\n\n")


def test_short_sections_stay_together():
    parts = [Block("heading", "One", 1), Block("paragraph", "Short."), Block("heading", "Two", 1), paragraph("b")]
    assert len(passages_of(document(*parts), 200, 2000)) == 1


def test_a_heading_goes_with_the_paragraph_that_did_not_fit():
    parts = [paragraph("a"), Block("heading", "Tools", 2), paragraph("b")]
    longest = len(parts[0].text) + 20
    assert [one.text[:5] for one in passages_of(document(*parts), 2000, longest)][1] == "Tools"


def test_a_long_paragraph_is_cut_between_sentences():
    passages = passages_of(document(paragraph("a", 12)), 50, 400)
    assert len(passages) > 2
    assert all(one.text.endswith(".") for one in passages)


def test_a_passage_of_a_pdf_says_on_which_pages_it_begins_and_ends():
    passages = passages_of(read(pdf(book_pages("Clay")), "pdf"), 200, 1300)
    assert passages[0].page == 1
    assert any(one.page != one.last_page for one in passages)
    assert passages[-1].last_page == 3


def test_blocks_are_mended_as_the_purge_mends_turns_before_offsets_are_counted():
    whole = document(Block("paragraph", "It is a cafÃ© by the sea.\x00"), Block("paragraph", "\u200b"))
    assert whole.text == "It is a café by the sea."


def test_passages_are_judged_by_the_purge_s_rules_for_texts():
    noise = Block("paragraph", "Buy now! " * 40)
    good, bad = (passages_of(document(block), 50, 2000)[0] for block in (paragraph("a"), noise))
    assert list(faults([good, bad], CONFIG)) == [1]
    off = PurgeConfig(disable=["repeated_ngrams", "repeated_words", "repeated_lines", "few_stop_words"])
    assert faults([bad], off) == {}


def test_the_first_of_two_documents_with_the_same_text_stays():
    one, other = document(paragraph("a"), name="a.md"), document(paragraph("a"), name="b.md")
    kept, left_out = different_documents([one, other])
    assert kept == [one]
    assert [(row.address, row.reason, row.detail) for row in left_out] == [("b.md", "same_content", "as a.md")]


def test_a_passage_that_resembles_an_earlier_one_is_a_copy_of_it():
    text = prose("Bees", "a", 20)
    blocks = [Block("paragraph", text), paragraph("b", 20), Block("paragraph", text.replace("spring", "autumn", 1))]
    passages = [passages_of(document(block), 50, 9000)[0] for block in blocks]
    assert {place: first for place, (first, _) in copies(passages, CONFIG).items()} in ({2: 0}, {0: 2})
