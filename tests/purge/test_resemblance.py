"""What the purge looks for only where it is asked to: paraphrases, boilerplate, commonness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from entp import store
from entp.purge.stage import run
from tests.datasets import publish, sample
from tests.purge.pool import configured

GREETING = "Here is a possible answer to your question: "
ANSWERS = [
    "Tea grows in the hills.",
    "The sea is deep and blue.",
    "Bread is made of flour.",
    "Cats sleep all day long.",
]
ROWS = [sample(f"Question number {number}?", GREETING + text) for number, text in enumerate(ANSWERS)]
OTHER = sample("What else is there?", "Nothing that anybody knows of.")


def purge(folder: Path, rows: list[dict[str, Any]], **purge_config: Any) -> Path:
    run(configured(**purge_config), {"ingest": publish(folder, "ingest", samples=rows)}, folder / "purge")
    return folder / "purge"


def test_spans_that_many_responses_share_are_flagged_and_told(tmp_path: Path):
    dataset = purge(tmp_path, [*ROWS, OTHER], shared_span_texts=4, shared_span_tokens=6)
    assert store.read(dataset, "spans").select("text", "texts").rows() == [(GREETING.strip(), 4)]
    verdicts = store.read(dataset, "verdicts")
    flagged = verdicts.filter(pl.col("reason") == "shared_span")
    assert flagged["keep"].all()
    assert set(flagged["id"]) == {row["id"] for row in ROWS}
    assert verdicts.filter(pl.col("reason") == "passed")["id"].to_list() == [OTHER["id"]]
    place = store.read(dataset, "span_places").row(0, named=True)
    assert (place["start"], place["end"]) == (0, len(GREETING.strip()))


def test_samples_that_say_what_many_say_weigh_less(tmp_path: Path):
    usual = [sample(f"Greet guest {number}.", "Good day to you, and welcome to our house.") for number in range(9)]
    words = ("lark", "moss", "jug", "fern", "oak")
    unlike = [sample(f"What is {word}?", f"A {word} {word}s {word}ly.") for word in words]
    rows = [*usual, *unlike, *ROWS, OTHER]
    weights = store.read(purge(tmp_path, rows, soft_duplicates=True, disable=["near_duplicate"]), "weights")
    by_id = dict(weights.select("id", "weight").iter_rows())
    assert len(by_id) == len(rows)
    assert by_id[OTHER["id"]] == 1.0
    assert max(by_id[row["id"]] for row in usual) < 1.0


def test_without_asking_there_are_no_such_tables(tmp_path: Path):
    dataset = purge(tmp_path, ROWS)
    assert not any(store.holds(dataset, table) for table in ("spans", "span_places", "weights"))


@pytest.mark.model
def test_a_paraphrase_names_its_survivor(tmp_path: Path):
    pytest.importorskip("sentence_transformers")
    one = sample("How do I boil an egg?", "Put the egg into boiling water and wait for about eight minutes.")
    other = sample("How do I boil an egg?", "Place the egg in boiling water, then wait around eight minutes.")
    dataset = purge(tmp_path, [one, other, *ROWS], semantic_eps=0.1)
    found = store.read(dataset, "duplicates").row(0, named=True)
    assert {found["id"], found["survivor"]} == {one["id"], other["id"]}
    assert found["jaccard"] is None
    assert found["cosine"] > 0.9
    verdict = store.read(dataset, "verdicts").filter(pl.col("reason") == "semantic_duplicate").row(0, named=True)
    assert (verdict["keep"], verdict["value"]) == (False, found["cosine"])
    assert store.read_summary(dataset).metrics["semantic_duplicates"] == 1
