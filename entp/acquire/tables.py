"""What was acquired as tables, and as the instruction rows that `entp run` reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from entp.acquire.document import Document, LeftOut
from entp.acquire.passages import Passage
from entp.acquire.replies import Pair
from entp.records import ACQUIRED_DOCUMENTS, ACQUIRED_LEFT_OUT, ACQUIRED_PAIRS, ACQUIRED_PASSAGES


def documents_table(documents: Iterable[Document]) -> pl.DataFrame:
    """ACQUIRED_DOCUMENTS."""
    rows = [
        {
            "document_id": document.document_id,
            "address": document.origin.address,
            "source": document.origin.source,
            "kind": document.origin.kind,
            "title": document.title,
            "licence": document.licence,
            "pages": document.pages,
            "text": document.text,
        }
        for document in documents
    ]
    return pl.DataFrame(rows, schema=ACQUIRED_DOCUMENTS)


def passages_table(passages: Iterable[Passage]) -> pl.DataFrame:
    """ACQUIRED_PASSAGES."""
    rows = [
        {
            "passage_id": passage.passage_id,
            "document_id": passage.document.document_id,
            "address": passage.document.origin.address,
            "headings": list(passage.headings),
            "page": passage.page,
            "last_page": passage.last_page,
            "start": passage.start,
            "end": passage.end,
            "language": passage.language,
            "text": passage.text,
        }
        for passage in passages
    ]
    return pl.DataFrame(rows, schema=ACQUIRED_PASSAGES)


def pairs_table(pairs: Iterable[Pair]) -> pl.DataFrame:
    """ACQUIRED_PAIRS."""
    rows = [
        {
            "id": pair.id,
            "passage_id": pair.passage.passage_id,
            "style": pair.style,
            "material": pair.material,
            "messages": list(pair.messages),
        }
        for pair in pairs
    ]
    return pl.DataFrame(rows, schema=ACQUIRED_PAIRS)


def left_out_table(left_out: Iterable[LeftOut]) -> pl.DataFrame:
    """ACQUIRED_LEFT_OUT."""
    return pl.DataFrame([asdict(one) for one in left_out], schema=ACQUIRED_LEFT_OUT)


def write_rows(pairs: Sequence[Pair], path: Path) -> None:
    """Write a JSON line for each pair: its turns, and beside them where they come from, which `ingest` keeps."""
    with path.open("w", encoding="utf-8") as lines:
        for pair in pairs:
            lines.write(json.dumps(_row(pair), ensure_ascii=False) + "\n")


def _row(pair: Pair) -> dict[str, Any]:
    passage, document = pair.passage, pair.passage.document
    return {
        "messages": list(pair.messages),
        "source": document.origin.source,
        "style": pair.style,
        "passage_id": passage.passage_id,
        "address": document.origin.address,
        "page": passage.page,
        "last_page": passage.last_page,
        "start": passage.start,
        "end": passage.end,
        "licence": document.licence,
    }
