"""Copies: documents of the same text, and passages that resemble another as the purge's near-duplicates do."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import polars as pl

from entp.acquire.document import Document, LeftOut
from entp.acquire.passages import Passage
from entp.config import PurgeConfig
from entp.purge.duplicates.near import near_duplicates
from entp.purge.duplicates.shingles import shingle_lists
from entp.text.tokens import lower_tokens


def different_documents(documents: Sequence[Document]) -> tuple[list[Document], list[LeftOut]]:
    """The first of all documents that say the same but for case, white space and character width; and the others."""
    first: dict[str, Document] = {}
    left_out: list[LeftOut] = []
    for document in documents:
        key = " ".join(unicodedata.normalize("NFKC", document.text).lower().split())
        if key in first:
            left_out.append(LeftOut(document.origin.address, "same_content", f"as {first[key].origin.address}"))
        else:
            first[key] = document
    return list(first.values()), left_out


def copies(passages: Sequence[Passage], config: PurgeConfig) -> dict[int, tuple[int, float]]:
    """The place of each passage that resembles another one, with that one's place and their Jaccard similarity.

    The longer passage stays; of two that are equally long, the one that was read first.
    """
    if not passages:
        return {}
    texts = pl.DataFrame(
        {
            # In order of reading, for near_duplicates takes the smaller id of equals.
            "id": [f"{place:09d}" for place in range(len(passages))],
            "system": [""] * len(passages),
            "tools": pl.Series([None] * len(passages), dtype=pl.String),
            "prompt": [""] * len(passages),
            "response": [passage.text for passage in passages],
        }
    )
    prompts, responses = lower_tokens(texts["prompt"]), lower_tokens(texts["response"])
    hashed = shingle_lists(texts, prompts, responses, config.shingle_words)
    found = near_duplicates(lambda: iter([hashed]), config.near_duplicate_jaccard, "response")
    return {
        int(row["id"]): (int(row["survivor"]), row["jaccard"])
        for row in found.select("id", "survivor", "jaccard").iter_rows(named=True)
    }
