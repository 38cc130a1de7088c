"""What many texts say word for word is found, wholly, where it is said, and nothing else."""

from __future__ import annotations

import random
import re

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from entp.purge.duplicates.substrings import MAX_TOKENS, PLACES, SPANS, shared_spans

OPENING = "Here is a possible answer to your question:"
TOKEN = re.compile(r"\w+|[^\w\s]")
TEXTS = st.lists(st.lists(st.sampled_from("abcdef"), max_size=14).map(" ".join), max_size=12)


def filler(seed: int) -> str:
    rng = random.Random(seed)
    return " ".join(f"word{rng.randrange(10**6)}" for _ in range(rng.randrange(5, 20)))


def planted(opening: str = OPENING, texts: int = 20) -> list[str]:
    return [f"{filler(seed)}. {opening} {filler(seed + 1000)}" for seed in range(texts)]


def said(texts: list[str], places) -> list[str]:
    return [texts[row][start:end] for row, start, end in places.select("row", "start", "end").rows()]


def test_a_planted_opening_is_found_wherever_it_stands():
    texts = [*planted(), *map(filler, range(5000, 5100))]
    spans, places = shared_spans(texts, 8, 20)
    assert spans.rows() == [(0, ". " + OPENING, 10, 20)]
    assert places["row"].to_list() == list(range(20))
    assert set(said(texts, places)) == {". " + OPENING}


def test_too_few_texts_or_too_few_tokens_are_no_boilerplate():
    assert shared_spans(planted(texts=19), 8, 20)[0].is_empty()
    assert shared_spans(planted(opening="Here is a list:"), 8, 20)[0].is_empty()


def test_equal_texts_count_once_and_all_have_their_places():
    spans, places = shared_spans([*planted(texts=10), *planted(texts=10)], 8, 10)
    assert spans["texts"].to_list() == [10]
    assert places["row"].to_list() == list(range(20))
    assert shared_spans(planted(texts=1) * 20, 8, 2)[0].is_empty()


def test_line_breaks_make_no_difference_and_case_does():
    broken = [text.replace("possible answer", "possible\n\n answer") for text in planted(texts=10)]
    texts = [*broken, *planted(texts=20)[10:]]
    spans, places = shared_spans(texts, 8, 20)
    assert (spans.height, places.height) == (1, 20)
    assert "possible\n\n answer" in said(texts, places)[0]
    assert shared_spans([*planted(texts=10), *(text.upper() for text in planted(texts=20)[10:])], 8, 20)[0].is_empty()


def test_the_longest_span_is_given_at_each_place():
    longer = OPENING + " the short version first"
    texts = [*planted(texts=30), *(text + " the end" for text in planted(longer, 50)[30:])]
    spans, places = shared_spans(texts, 8, 15)
    assert spans.select("text", "texts").rows() == [(". " + OPENING, 50), (". " + longer, 20)]
    assert said(texts, places) == [". " + OPENING] * 30 + [". " + longer] * 20


def test_no_span_lies_inside_another():
    texts = [f"{number} one of the two or more" for number in range(5)]
    texts += [f"{number} six of the two" for number in range(5, 10)]
    spans, places = shared_spans(texts, 3, 5)
    assert spans["text"].to_list() == ["one of the two or more", "six of the two"]
    assert places["row"].to_list() == list(range(10))


def test_chinese_is_compared_by_characters():
    texts = [f"{chr(0x4E00 + number)}以下是对您问题的一个可能的回答{chr(0x5E00 + number)}" for number in range(20)]
    assert shared_spans(texts, 8, 20)[0]["text"].to_list() == ["以下是对您问题的一个可能的回答"]


def test_a_text_that_repeats_itself_ends_soon():
    texts = ["ha " * 20_000 + str(number) for number in range(25)]
    spans, places = shared_spans(texts, 8, 20)
    assert spans["tokens"].to_list() == [MAX_TOKENS]
    assert places["row"].to_list() == list(range(25))


@pytest.mark.parametrize("texts", [[], [""], ["", "!", "one"]])
def test_nothing_comes_of_nothing(texts: list[str]):
    spans, places = shared_spans(texts, 3, 2)
    assert (spans.schema, places.schema) == (SPANS, PLACES)
    assert spans.is_empty()
    assert places.is_empty()


@settings(max_examples=200)
@given(TEXTS, st.integers(2, 4), st.integers(2, 4))
def test_every_shared_run_is_covered_and_every_span_is_shared(texts: list[str], size: int, least: int):
    assume(not any(repeats_without_gap(text.split(), size) for text in texts))
    spans, places = shared_spans(texts, size, least)
    for _, text, tokens, holding in spans.rows():
        assert len(text.split()) == tokens >= size
        assert holding == sum(f" {text} " in f" {other} " for other in set(texts)) >= least
    ends = places.group_by("row", maintain_order=True).agg(pl.col("end").diff().min())["end"].drop_nulls()
    assert (ends > 0).all()
    covered = {(row, at) for row, start, end in places.select("row", "start", "end").rows() for at in range(start, end)}
    for row, text in enumerate(texts):
        words = text.split()
        for at in range(len(words) - size + 1):
            run = " ".join(words[at : at + size])
            if sum(f" {run} " in f" {other} " for other in set(texts)) >= least:
                assert {(row, 2 * at + offset) for offset in range(2 * size - 1)} <= covered


def repeats_without_gap(words: list[str], size: int) -> bool:
    runs = [tuple(words[at : at + size]) for at in range(len(words) - size + 1)]
    return any(run in runs[at + 1 : at + size] for at, run in enumerate(runs))


@given(st.permutations(range(24)))
def test_the_spans_do_not_depend_on_the_order_of_texts(order: list[int]):
    texts = [*planted(texts=12), *(text.upper() for text in planted(texts=24)[12:])]
    spans, places = shared_spans(texts, 8, 10)
    shuffled, moved = shared_spans([texts[row] for row in order], 8, 10)
    assert shuffled.equals(spans)
    assert sorted((order[row], *rest) for row, *rest in moved.rows()) == places.rows()
