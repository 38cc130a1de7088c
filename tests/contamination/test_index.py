from __future__ import annotations

import os
import random
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entp.contamination import index as contamination
from entp.contamination.index import ContaminationIndex, Leak, build_index
from entp.contamination.items import Item, built_in_items, read_items
from entp.text.words import words

MOON = "Why does the full moon look so much larger near the horizon than high up in the winter sky?"
SHORT = "Who wrote the play?"
HAN = "为什么满月在地平线附近看起来比在高空中大得多？"


def leak_of(text: str, *items: str, length: int = 8) -> Leak | None:
    index = build_index([Item("bench.jsonl", row, (item,)) for row, item in enumerate(items, start=1)], length)
    return index.find_runs(words(text)) or index.find_whole(words(text))


def test_a_copied_item_is_named_however_it_is_dressed():
    dressed = (
        "Dear model! WHY does the full moon\n look so much larger near the horizon, than high up in the winter sky"
    )
    assert leak_of(f"{dressed}... Thanks.", "What is the capital city of the far country?", MOON) == (
        "bench.jsonl",
        2,
        1.0,
        19,
    )


def test_half_of_a_long_item_is_a_leak_and_less_is_not():
    told = MOON.split()
    assert leak_of(" ".join(told[:16]), MOON).share == pytest.approx(16 / 19)
    assert leak_of(" ".join(told[:9]), MOON) is None


def test_a_short_item_leaks_only_where_it_is_there_whole():
    item = "Which of the following is not part of the outer marketing environment?"
    assert leak_of("Which of the following is not part of the heart?", item) is None
    assert leak_of("Which of the following is not part of the outer marketing world?", item) is None
    assert leak_of("Tell me: which of the following is NOT part of the outer marketing environment", item).row == 1


def test_an_item_shorter_than_a_run_leaks_only_as_a_whole_prompt():
    assert leak_of("who wrote the play", SHORT) == ("bench.jsonl", 1, 1.0, 4)
    assert leak_of("Tell me: who wrote the play?", SHORT) is None


def test_the_way_a_benchmark_puts_its_questions_gives_no_item_away():
    stem = "Read the passage below with care and then choose the best of the four answers about "
    names = ["tea", "sun", "ice", "oak", "jam", "fog", "ink", "bee", "yak", "elm", "fig", "owl"]
    items = [stem + name for name in names]
    assert leak_of(stem + "rivers", *items) is None
    assert leak_of(stem + "rivers", items[0]).row == 1


def test_counting_to_twenty_is_no_leak():
    numbers = " ".join(str(number) for number in range(1, 21))
    assert leak_of(numbers, numbers) is None


def test_a_long_quotation_leaks_an_even_longer_passage():
    passage = " ".join(f"word{number}a thing" for number in range(100))
    quoted = " ".join(passage.split()[20:56])
    assert leak_of(quoted, passage).stretch == 36
    assert leak_of(" ".join(passage.split()[20:46]), passage) is None


def test_chinese_items_are_found_and_a_chinese_phrase_is_no_item():
    assert leak_of(f"请问，{HAN}谢谢", HAN).share == 1.0
    assert leak_of("看起来比在高空中好", HAN) is None


def test_every_built_in_item_gives_itself_away():
    items = built_in_items()
    index = build_index(items, 8)
    missed = [
        item
        for item in items
        for text in item.texts
        if len(words(text)) >= 4 and not (index.find_runs(words(text)) or index.find_whole(words(text)))
    ]
    assert missed == []


def test_an_index_of_nothing_finds_nothing():
    assert build_index([], 8).find_runs(words(MOON)) is None


def naive(told: list[str], items: list[list[str]], length: int) -> set[tuple[int, float]]:
    """Row and share of every item whose runs stand in the text, found by comparing all with all."""
    runs = {tuple(told[start : start + length]) for start in range(len(told) - length + 1)}
    shares = set()
    for row, item in enumerate(items, start=1):
        covered = {
            place
            for start in range(len(item) - length + 1)
            if tuple(item[start : start + length]) in runs
            for place in range(start, start + length)
        }
        demanded = contamination.LEAK_SHARE if len(covered) >= 2 * length else contamination.SHORT_LEAK_SHARE
        varied = len({item[place] for place in covered}) >= contamination.MIN_VARIETY * length
        if covered and varied and len(covered) / len(item) >= demanded:
            shares.add((row, len(covered) / len(item)))
    return shares


letters = st.lists(st.sampled_from("abcde"), min_size=3, max_size=14)


@given(letters, st.lists(letters, min_size=1, max_size=6))
def test_the_index_finds_what_comparing_all_with_all_finds(told, items):
    index: ContaminationIndex = build_index(
        [Item("bench", row, (" ".join(item),)) for row, item in enumerate(items, start=1)], 3
    )
    found, expected = index.find_runs(told), naive(told, items, 3)
    if found is not None and found.stretch >= contamination.LONG_STRETCH * 3:
        return
    assert (found is None) == (not expected)
    if found is not None:
        assert (found.row, found.share) in expected
        assert found.share == max(share for _, share in expected)


@pytest.mark.data
@pytest.mark.skipif("ENTP_TEST_DATA" not in os.environ, reason="ENTP_TEST_DATA names no folder of public data")
def test_public_items_are_found_in_a_sample_and_few_ordinary_rows_are_accused():
    data = Path(os.environ["ENTP_TEST_DATA"])
    items = read_items([data / "benchmarks"])
    index = build_index(items, 8)
    long = [item for item in items if max(len(words(text)) for text in item.texts) >= 8]
    chosen = random.Random(0).sample(long, 500)
    found = [
        index.find_runs(words(f"Please help. {max(item.texts, key=len)} Then describe a beach.")) for item in chosen
    ]
    rows = pl.read_parquet(data / "pools" / "alpaca_original_52k.parquet", n_rows=5_000)
    accused = [index.find_runs(words(text)) for name in ("instruction", "output") for text in rows[name]]
    assert sum(leak is not None for leak in found) >= 0.95 * len(chosen)
    assert sum(leak is not None for leak in accused) <= 0.001 * rows.height
