"""Which near-copies are found, and which one survives."""

from __future__ import annotations

import random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import datasketch_loop
from entp.purge.duplicates.near import near_duplicates
from entp.purge.duplicates.shingles import hashed_shingles, shingles
from entp.purge.duplicates.similarity import Scope, jaccard, similarity
from tests.datasets import sample
from tests.purge.pool import frame

WORDS = [f"word{number}" for number in range(400)]
THRESHOLD = 0.8


def near(
    *rows: dict[str, Any], threshold: float = THRESHOLD, scope: Scope = "both", chunk: int = 10**6
) -> pl.DataFrame:
    chunks = [hashed_shingles(part, 5) for part in frame(*rows).iter_slices(chunk)]
    return near_duplicates(lambda: iter(chunks), threshold, scope)


def prose(seed: int, words: int = 80) -> list[str]:
    return random.Random(seed).choices(WORDS, k=words)


def edited(words: list[str], edits: int, seed: int) -> str:
    """With this many words replaced by words that occur nowhere else."""
    chance = random.Random(seed)
    changed = list(words)
    for place in chance.sample(range(len(words)), edits):
        changed[place] = f"new{chance.random()}"
    return " ".join(changed)


def sides(row: dict[str, Any]) -> tuple[frozenset[str], frozenset[str]]:
    prompt, response = (shingles(turn["content"], 5) for turn in row["messages"])
    return prompt, response


def test_the_longest_response_survives_else_the_smallest_id():
    text = " ".join(prose(1))
    short, long = sample("Write.", text), sample("Write.", text + " end of it")
    twins = sorted((sample("Write!", text)["id"], short["id"]))
    found = near(short, long, sample("Write!", text))
    assert found.select("id", "survivor").rows() == [(twins[0], long["id"]), (twins[1], long["id"])]
    assert set(found["cluster"]) == {min(twins[0], long["id"])}


def test_every_pair_found_is_verified_against_its_survivor():
    rows = []
    for seed in range(12):
        words = prose(seed, 120)
        for changes in range(6):
            rows.append(sample(f"Task {seed}.", " ".join([*words, *prose(1000 + seed * 10 + changes, changes * 12)])))
    by_id = {row["id"]: sides(row) for row in rows}
    found = near(*rows)
    assert found.height >= 12
    assert not set(found["id"]) & set(found["survivor"])
    for copy, survivor, closeness in found.select("id", "survivor", "jaccard").rows():
        assert similarity(by_id[copy], by_id[survivor]) == closeness >= THRESHOLD


def test_every_planted_copy_above_the_threshold_is_found():
    rows, expected = [], 0
    for seed in range(300):
        original = sample(f"Task {seed}", " ".join(prose(seed, 100)))
        copy = sample(f"Task {seed}", edited(prose(seed, 100), seed % 5, seed) + " and so on")
        expected += similarity(sides(original), sides(copy)) >= THRESHOLD
        rows += [original, copy]
    assert 100 < expected < 300
    assert near(*rows).height == expected


def test_a_chain_loses_no_sample_that_differs_from_all_that_stay():
    words = prose(5, 60)
    links = [" ".join(words[start : start + 50]) for start in (0, 3, 6, 9)]
    rows = [sample("Tell me a story.", text + " end" * (9 - number)) for number, text in enumerate(links)]
    kept_by = dict(near(*rows, threshold=0.75).select("id", "survivor").iter_rows())
    kept = [row for row in rows if row["id"] not in kept_by]
    assert len(kept) > 1
    for one in kept:
        assert all(similarity(sides(one), sides(other)) < 0.75 for other in kept if other is not one)
    assert near(*rows, threshold=0.75)["cluster"].n_unique() == 1


def test_two_questions_about_the_same_passage_are_two_samples():
    passage = " ".join(prose(3, 200))
    assert near(sample(f"{passage}\nWho came?", "Ann"), sample(f"{passage}\nWho left?", "Bob")).is_empty()
    assert near(
        sample(f"{passage}\nTitle: Alpha Ltd", "Company"), sample(f"{passage}\nTitle: Beta Inc", "Company")
    ).is_empty()


def test_the_scope_says_what_is_compared():
    passage, answer = " ".join(prose(3, 100)), " ".join(prose(4, 100))
    same_prompt = (sample(passage, "One answer."), sample(passage, "Another one."))
    same_response = (sample("Tell me.", answer), sample("Speak to me of it.", answer))
    assert near(*same_prompt).is_empty()
    assert near(*same_prompt, scope="prompt").height == 1
    assert near(*same_prompt, scope="response").is_empty()
    assert near(*same_response, scope="response").height == 1
    assert near(*same_response, scope="prompt").is_empty()


def test_chinese_is_compared_by_characters():
    text = "北京是中国的首都，也是全国的政治中心、文化中心、国际交往中心和科技创新中心，历史悠久，每年吸引大量游客。"
    assert near(sample("介绍北京。", text), sample("介绍北京。", text.replace("大量游客", "大量游人"))).height == 1
    assert near(sample("介绍北京。", text), sample("介绍北京。", text[:30])).is_empty()


def test_the_result_does_not_depend_on_the_order_of_rows_or_on_chunks():
    rows = [sample("Write.", " ".join([*prose(seed // 3), *prose(100 + seed, seed % 3 * 5)])) for seed in range(45)]
    shuffled = random.Random(0).sample(rows, len(rows))
    assert near(*rows).height > 10
    assert near(*rows).equals(near(*shuffled))
    assert near(*rows).equals(near(*shuffled, chunk=7))


def test_thousands_of_variants_of_one_text_are_one_cluster():
    words = prose(8, 100)
    rows = [sample("Write it.", edited(words, 1, seed)) for seed in range(3000)]
    found = near(*rows)
    assert found["cluster"].n_unique() == 1
    assert found.height > 2900


def test_a_threshold_of_nothing_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        near(sample("a", "b"), threshold=0.0)


texts = st.lists(st.sampled_from("ab"), max_size=9).map(" ".join)
pools = st.lists(st.tuples(texts, texts), min_size=1, max_size=9)


@settings(max_examples=200, deadline=None)
@given(pools, st.sampled_from([0.3, 0.5, 0.8, 1.0]), st.sampled_from(["both", "prompt", "response"]))
def test_clusters_are_those_of_comparing_all_with_all(pool: list[tuple[str, str]], threshold: float, scope: Scope):
    rows = list({row["id"]: row for row in (sample(*text) for text in pool)}.values())

    def closeness(one: dict[str, Any], other: dict[str, Any]) -> float:
        if scope == "both":
            return similarity(sides(one), sides(other))
        side = ("prompt", "response").index(scope)
        return jaccard(sides(one)[side], sides(other)[side])

    pairs = {
        (first, second)
        for second in range(len(rows))
        for first in range(second)
        if closeness(rows[first], rows[second]) >= threshold
    }
    expected = {
        frozenset(rows[place]["id"] for place in cluster) for cluster in datasketch_loop.clusters(len(rows), pairs)
    }
    found = near(*rows, threshold=threshold, scope=scope, chunk=2)
    assert set(found["cluster"]) == {min(ids) for ids in expected}
    for copy, survivor, cluster in found.select("id", "survivor", "cluster").iter_rows():
        assert any({copy, survivor, cluster} <= ids for ids in expected)


def test_clusters_are_those_of_datasketch_or_more():
    rows = []
    for seed in range(150):
        words = prose(seed, 90)
        rows += [sample(f"Task {seed}.", edited(words, edits, seed + edits)) for edits in range(seed % 4)]
    both = [(row["messages"][0]["content"], row["messages"][1]["content"]) for row in rows]
    proposed = datasketch_loop.similar_pairs(both, THRESHOLD)
    cluster = dict(near(*rows).select("id", "cluster").iter_rows())
    assert len(proposed) > 50
    for pair in proposed:
        assert len({cluster[rows[place]["id"]] for place in pair if rows[place]["id"] in cluster}) == 1
