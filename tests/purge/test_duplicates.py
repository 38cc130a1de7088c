"""Which copies are found, and which one survives."""

from __future__ import annotations

import random
from typing import Any

import polars as pl
import pytest

from entp.purge.duplicates import banding, exact_duplicates, near_duplicates, shingles, similarity
from tests.datasets import sample
from tests.purge.pool import frame, ignore

WORDS = [f"word{number}" for number in range(400)]


def near(*rows: dict[str, Any], threshold: float = 0.8) -> pl.DataFrame:
    return near_duplicates(frame(*rows), threshold, shingle_words=5, permutations=128, advance=ignore)


def prose(seed: int, words: int = 80) -> list[str]:
    return random.Random(seed).choices(WORDS, k=words)


def test_case_white_space_and_width_do_not_make_a_difference():
    rows = [sample("Name a city.", "Paris"), sample("name  a city. ", " PARIS\n"), sample("Name a city．", "Ｐaris")]
    assert exact_duplicates(frame(*rows)).height == 2


def test_words_and_marks_make_a_difference():
    rows = [sample("5 + 3", "8"), sample("5 - 3", "8"), sample("5 + 3", "9"), sample("5 +\n3!", "8")]
    assert exact_duplicates(frame(*rows)).is_empty()


def test_turns_are_not_confused_with_their_contents():
    assert exact_duplicates(frame(sample("a b", "c"), sample("a", "b c"))).is_empty()


def test_the_longest_response_survives_else_the_smallest_id():
    text = " ".join(prose(1))
    short, long = sample("Write.", text), sample("Write.", text + " end of it")
    twins = sorted((sample("Write!", text)["id"], short["id"]))
    found = near(short, long, sample("Write!", text))
    assert found.select("id", "survivor").rows() == [(twins[0], long["id"]), (twins[1], long["id"])]
    assert exact_duplicates(frame(short, sample("write.", text)))["survivor"].to_list() == [
        min(short["id"], sample("write.", text)["id"])
    ]


def test_every_pair_found_is_verified_against_its_survivor():
    rows = []
    for seed in range(12):
        words = prose(seed, 120)
        for changes in range(6):
            rows.append(sample(f"Task {seed}.", " ".join([*words, *prose(1000 + seed * 10 + changes, changes * 12)])))
    by_id = {row["id"]: [shingles(turn["content"], 5) for turn in row["messages"]] for row in rows}
    found = near(*rows)
    assert found.height >= 12
    assert not set(found["id"]) & set(found["survivor"])
    for copy, survivor, jaccard in found.rows():
        assert similarity(tuple(by_id[copy]), tuple(by_id[survivor])) == jaccard >= 0.8


def test_pairs_just_above_the_threshold_are_found():
    rows, hits = [], 0
    for seed in range(60):
        words = prose(seed, 100)
        rows += [
            sample("Tell me a story.", " ".join(words)),
            sample("Tell me a story.", " ".join([*words, *prose(seed + 500, 20)])),
        ]
    for row in range(0, len(rows), 2):
        hits += near(*rows[row : row + 2]).height
    assert hits >= 58


def test_two_questions_about_the_same_passage_are_two_samples():
    passage = " ".join(prose(3, 200))
    assert near(sample(f"{passage}\nWho came?", "Ann"), sample(f"{passage}\nWho left?", "Bob")).is_empty()
    assert near(
        sample(f"{passage}\nTitle: Alpha Ltd", "Company"), sample(f"{passage}\nTitle: Beta Inc", "Company")
    ).is_empty()


def test_chinese_is_compared_by_characters():
    text = "北京是中国的首都，也是全国的政治中心、文化中心、国际交往中心和科技创新中心，历史悠久，每年吸引大量游客。"
    assert near(sample("介绍北京。", text), sample("介绍北京。", text.replace("大量游客", "大量游人"))).height == 1
    assert near(sample("介绍北京。", text), sample("介绍北京。", text[:30])).is_empty()


def test_the_result_does_not_depend_on_the_order_of_rows():
    rows = [sample("Write.", " ".join([*prose(seed // 3), *prose(100 + seed, seed % 3 * 5)])) for seed in range(45)]
    shuffled = random.Random(0).sample(rows, len(rows))
    assert near(*rows).height > 10
    assert near(*rows).equals(near(*shuffled))


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.95])
def test_banding_finds_pairs_at_the_threshold(threshold: float):
    bands, rows = banding(threshold, 128)
    assert bands * rows <= 128
    assert 1 - (1 - threshold**rows) ** bands >= 0.99
