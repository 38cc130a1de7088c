from __future__ import annotations

import json
from collections import Counter

import polars as pl
import pytest
from typer.testing import CliRunner

from entp import lineage, store
from entp.acquire.acquire import acquire
from entp.cli import app
from entp.errors import DataError, SetupError, UsageError
from entp.ingest.stage import run as ingest
from entp.llm.client import Reply
from entp.params import load
from entp.records import ACQUIRED_DOCUMENTS, ACQUIRED_LEFT_OUT, ACQUIRED_PAIRS, ACQUIRED_PASSAGES
from tests.acquire.host import HTML, serving
from tests.acquire.library import book_pages, html, pdf, write_library
from tests.acquire.scripted import passage_in, write_well
from tests.fake_backend import FakeBackend

FEW = ("acquire.styles=[question_answer, easy]", "acquire.passage_max_characters=900")


@pytest.fixture
def library(tmp_path):
    return write_library(tmp_path / "library")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Acquire a folder with a scripted writer; returns the dataset, its summary and the writer."""

    def acquire_folder(folder, *settings, answer=write_well, output="run"):
        backend = FakeBackend(answer)
        monkeypatch.setattr("entp.llm.session.open_backend", lambda _: backend)
        dataset = tmp_path / output / "acquire"
        return dataset, acquire(load(overrides=settings), [folder], [], dataset), backend

    return acquire_folder


def rows_of(dataset):
    return [json.loads(line) for line in (dataset / "rows.jsonl").read_text().splitlines()]


def test_pages_books_and_manuals_become_passages_pairs_and_rows_with_their_provenance(library, run):
    dataset, summary, _ = run(library.folder, *FEW)
    documents, passages, pairs, left_out = (
        store.read(dataset, name) for name in ("documents", "passages", "pairs", "left_out")
    )
    assert [table.schema for table in (documents, passages, pairs, left_out)] == [
        ACQUIRED_DOCUMENTS,
        ACQUIRED_PASSAGES,
        ACQUIRED_PAIRS,
        ACQUIRED_LEFT_OUT,
    ]
    assert Counter(documents["kind"]) == {"html": 20, "pdf": 5, "docx": 3, "epub": 1, "markdown": 1}
    text_of = dict(documents.select("address", "text").iter_rows())
    for passage in passages.iter_rows(named=True):
        assert text_of[passage["address"]][passage["start"] : passage["end"]] == passage["text"]
    assert set(passages["address"]) == set(documents["address"])
    assert pairs.group_by("passage_id").len()["len"].unique().to_list() == [3]
    rows = rows_of(dataset)
    assert len(rows) == pairs.height == summary.metrics["pairs"] == 3 * passages.height
    assert {row["licence"] for row in rows if "page01" in row["address"]} == {"CC-BY-4.0"}
    assert {row["page"] for row in rows if row["address"].endswith("book0.pdf")} == {1, 2, 3}
    assert {row["page"] for row in rows if row["address"].endswith(".html")} == {None}


def test_the_passage_itself_stands_in_the_turns_where_the_question_leans_on_it(library, run):
    dataset, _, _ = run(library.folder, *FEW)
    texts = dict(store.read(dataset, "passages").select("passage_id", "text").iter_rows())
    with_passage = store.read(dataset, "pairs").filter("material")
    assert with_passage.height > 0
    for pair in with_passage.iter_rows(named=True):
        assert pair["messages"][0]["content"].startswith(texts[pair["passage_id"]])


def test_explain_leads_a_sample_back_to_its_page_and_offsets(library, run):
    dataset, _, _ = run(library.folder / "books", *FEW)
    ingested = dataset.parent / "ingest"
    ingest(load(), {"raw": dataset / "rows.jsonl"}, ingested)
    row = next(row for row in rows_of(dataset) if row["page"] == 2 == row["last_page"])
    (pair,) = store.read(dataset, "pairs").filter(
        pl.col("passage_id") == row["passage_id"], pl.col("style") == "easy"
    ).iter_rows(named=True)  # fmt: skip
    sample = store.read(ingested, "samples").filter(pl.col("id") == pair["id"])
    assert sample.height == 1
    told = lineage.explain(dataset.parent, pair["id"])
    assert f"from {row['address']}, page 2, characters {row['start']} to {row['end']}" in told


def test_pages_at_addresses_become_rows_that_name_them_and_are_fetched_once(tmp_path, monkeypatch):
    monkeypatch.setattr("entp.llm.session.open_backend", lambda _: FakeBackend(write_well))
    settings = load(overrides=[*FEW, "acquire.delay_seconds=0"])
    cc = '<link rel="license" href="https://creativecommons.org/licenses/by/4.0/">'
    with serving({"/bees": (200, HTML, html("Bees", head=cc)), "/gone": (410, HTML, b"")}) as host:
        for _ in range(2):
            acquire(settings, [], [f"{host.address}/bees#top", f"{host.address}/gone"], tmp_path / "acquire")
        assert host.paths().count("/bees") == 1
    rows = rows_of(tmp_path / "acquire")
    assert {(row["address"], row["source"], row["licence"]) for row in rows} == {
        (f"{host.address}/bees", "127.0.0.1", "CC-BY-4.0")
    }
    assert store.read(tmp_path / "acquire", "left_out")["reason"].to_list() == ["http_error"]


def test_folders_that_are_links_are_read_and_circles_end(tmp_path, run):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.html").write_bytes(html("Bees"))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "linked").symlink_to(elsewhere)
    (folder / "circle").symlink_to(folder)
    dataset, _, _ = run(folder, *FEW)
    assert store.read(dataset, "documents")["address"].to_list() == [(folder / "linked/a.html").as_posix()]


def test_what_is_there_twice_is_taken_once(tmp_path, run):
    folder = tmp_path / "copies"
    folder.mkdir()
    (folder / "a.html").write_bytes(html("Bees"))
    (folder / "b.html").write_bytes(html("Bees", head="<meta name=author content=me>"))
    (folder / "c.html").symlink_to(folder / "a.html")
    dataset, _, _ = run(folder, *FEW)
    reasons = {row["address"].rsplit("/", 1)[1]: row["reason"] for row in store.read(dataset, "left_out").to_dicts()}
    assert reasons == {"b.html": "same_content", "c.html": "repeated_address"}
    assert store.read(dataset, "documents").height == 1


def test_every_document_that_cannot_be_read_is_named_beside_those_that_can(library, run):
    (library.folder / "scan.pdf").write_bytes(pdf([[], []]))
    (library.folder / "half.pdf").write_bytes(pdf([*book_pages("Half", 1), []]))
    (library.folder / "cut.docx").write_bytes(b"PK\x03\x04")
    (library.folder / "photo.png").write_bytes(b"\x89PNG")
    dataset, summary, _ = run(library.folder, *FEW)
    left_out = store.read(dataset, "left_out").select("address", "reason", "page").rows()
    named = {(address.rsplit("/", 1)[1], reason, page) for address, reason, page in left_out}
    assert named == {
        ("scan.pdf", "needs_ocr", None),
        ("half.pdf", "needs_ocr", 2),
        ("cut.docx", "unreadable", None),
        ("photo.png", "unsupported_type", None),
    }
    assert summary.metrics["left_out/needs_ocr"] == 2


def test_a_killed_run_asks_only_what_it_has_not_asked(library, run):
    asked = []

    def dying(request) -> Reply:
        if len(asked) == 40:
            raise SetupError("the process was killed")
        asked.append(request)
        return write_well(request)

    with pytest.raises(SetupError):
        run(library.folder, *FEW, answer=dying)
    dataset, summary, backend = run(library.folder, *FEW)
    assert summary.metrics["requests"] - len(backend.seen) == 40
    other, _, _ = run(library.folder, *FEW, output="whole")
    assert (dataset / "rows.jsonl").read_text() == (other / "rows.jsonl").read_text()


def test_a_document_s_text_is_never_asked_about_beyond_the_budget(library, run):
    dataset, _, backend = run(library.folder, *FEW, "acquire.max_passages=5")
    assert len(backend.seen) == 2 * 5
    left_out = store.read(dataset, "left_out").filter(pl.col("reason") == "over_budget")
    passages = store.read(dataset, "passages")
    assert left_out.height == passages.height - 5
    assert {passage_in(request) for request in backend.seen} <= set(passages["text"])


def test_without_styles_no_model_is_asked(library, run):
    dataset, summary, backend = run(library.folder, "acquire.styles=[]")
    assert (backend.seen, summary.metrics["pairs"]) == ([], 0)
    assert store.read(dataset, "passages").height > 20
    assert not (dataset / "rows.jsonl").exists()


def test_a_writer_that_writes_nothing_usable_leaves_the_passages_and_says_why(library, run):
    with pytest.raises(DataError, match=r"no request gave a pair: \d+ x unparsed .*try another llm.model"):
        run(library.folder, *FEW, answer=lambda _: Reply("ok", "I am a small model."), output="weak")
    assert store.read(library.folder.parent / "weak/acquire", "passages").height > 20


def test_inputs_without_a_document_say_what_was_there(tmp_path, run):
    (tmp_path / "notes.txt").write_text("words")
    with pytest.raises(DataError, match=r"nothing to read: 1 x unsupported_type \(.*notes.txt"):
        run(tmp_path / "notes.txt")
    with pytest.raises(UsageError, match="no such file or folder"):
        run(tmp_path / "nothing")


def test_the_command_prints_where_the_rows_are(library, tmp_path, monkeypatch):
    monkeypatch.setattr("entp.llm.session.open_backend", lambda _: FakeBackend(write_well))
    arguments = ["acquire", "--input", str(library.folder), "--output", str(tmp_path / "out"), *FEW]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out/acquire/rows.jsonl").is_file()
    assert "rows.jsonl" in result.output


def test_nothing_to_acquire_is_a_mistake():
    result = CliRunner().invoke(app, ["acquire"])
    assert isinstance(result.exception, UsageError)
