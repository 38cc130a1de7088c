"""Leaks: evaluation items in samples are found, with the words that give them away."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entp import store
from entp.contamination.index import build_index
from entp.contamination.items import Item
from entp.contamination.prefilter import build_prefilter
from entp.conversation import with_text
from entp.errors import UsageError
from entp.purge.leaks import Benchmarks, find_leaks
from entp.purge.stage import run
from entp.text.tokens import lower_tokens
from entp.text.words import words
from tests.datasets import publish, sample
from tests.purge.pool import configured, frame

QUESTION = "A farmer doesn't sell 2,000 of the eggs his hens lay in spring; how many baskets does he need for them?"
CHINESE = "小明每天早上六点起床，然后跑步三公里，请问他一个星期一共跑了多少公里？"
SHORT = "Who painted the Mona Lisa?"
ITEMS = [Item("farm.jsonl", 1, (QUESTION,)), Item("farm.jsonl", 2, (CHINESE,)), Item("art.jsonl", 5, (SHORT,))]


def against(items: list[Item], length: int = 8) -> Benchmarks:
    return Benchmarks(build_index(items, length), build_prefilter(items, length))


def found_in(*rows: dict) -> pl.DataFrame:
    texts = with_text(frame(*rows))
    return find_leaks(texts, {side: lower_tokens(texts[side]) for side in ("prompt", "response")}, against(ITEMS))


def leaks(*rows: dict) -> list[tuple]:
    return found_in(*rows).select("id", "side", "benchmark", "row", "words").rows()


def test_an_item_in_a_prompt_or_an_answer_is_found_whatever_its_case_and_marks():
    shouted = QUESTION.upper().replace(";", " --").replace("'", "’")
    rows = [sample(f"Solve this:\n{shouted}", "Nine."), sample("Quote a riddle.", QUESTION), sample(CHINESE, "21")]
    assert leaks(*rows) == [
        (rows[0]["id"], "prompt", "farm.jsonl", 1, len(words(QUESTION))),
        (rows[2]["id"], "prompt", "farm.jsonl", 2, len(words(CHINESE))),
        (rows[1]["id"], "response", "farm.jsonl", 1, len(words(QUESTION))),
    ]


def test_the_words_in_common_are_told():
    found = found_in(sample("Now. " + QUESTION + " Say it.", "No."))
    assert found["stretch"][0] == " ".join(words(QUESTION))
    assert found["share"][0] == 1.0


def test_a_short_item_leaks_as_a_whole_prompt_only():
    whole, inside = sample(SHORT.lower(), "Leonardo."), sample("Tell me: who painted the Mona Lisa?", "Leonardo.")
    assert leaks(whole, inside, sample("Ask a question.", SHORT)) == [(whole["id"], "prompt", "art.jsonl", 5, 5)]


def test_talk_of_the_same_things_is_no_leak():
    assert leaks(sample("A farmer sells eggs in spring; how many baskets?", "It depends on the eggs.")) == []


word = st.sampled_from(["one", "two", "don't", "3.5", "一", "二", "ÄRGER", "x2"])
texts = st.lists(word, max_size=14).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(st.lists(texts, min_size=1, max_size=4), st.lists(texts, min_size=1, max_size=4))
def test_the_prefilter_lets_no_leak_pass(items: list[str], pool: list[str]):
    benchmarks = against([Item("b", row, (text,)) for row, text in enumerate(items)], length=3)
    may = benchmarks.prefilter.may_leak(lower_tokens(pl.Series(pool, dtype=pl.String)))
    for text, let_through in zip(pool, may, strict=True):
        told = words(text)
        if benchmarks.index.find_runs(told) or benchmarks.index.find_whole(told):
            assert let_through


def test_the_stage_drops_what_leaks_and_says_which_item(tmp_path: Path):
    exam = tmp_path / "exam.jsonl"
    exam.write_text(json.dumps({"question": QUESTION}) + "\n")
    rows = [sample(QUESTION, "Nine."), sample("Name a city.", "Paris")]
    ingest = publish(tmp_path, "ingest", samples=rows)
    summary = run(configured(benchmarks=[str(exam)]), {"ingest": ingest}, tmp_path / "purge")
    assert summary.metrics["contaminated"] == 1
    assert store.read(tmp_path / "purge", "samples")["id"].to_list() == [rows[1]["id"]]
    told = store.read(tmp_path / "purge", "leaks").row(0, named=True)
    assert (told["id"], told["benchmark"], told["row"]) == (rows[0]["id"], "exam.jsonl", 1)

    run(configured(benchmarks=[str(exam)], disable=["contaminated"]), {"ingest": ingest}, tmp_path / "free")
    assert store.read(tmp_path / "free", "samples").height == 2


def test_a_benchmark_that_is_not_there_is_named(tmp_path: Path):
    ingest = publish(tmp_path, "ingest", samples=[sample("Name a city.", "Paris")])
    with pytest.raises(UsageError, match=r"purge\.benchmarks: .*absent\.jsonl"):
        run(configured(benchmarks=["absent.jsonl"]), {"ingest": ingest}, tmp_path / "purge")
