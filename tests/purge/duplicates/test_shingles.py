"""Shingles as text and as hashes are the same sets."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entp.purge.duplicates.shingles import hashed_shingles, shingles
from tests.datasets import sample
from tests.purge.pool import frame

TEXTS = [
    "",
    "one",
    "!!! ???",
    "One two, three; FOUR five six seven.",
    "one two three one two three one two three",
    "北京是中国的首都。It is big.",
    "ひらがな and カタカナ",
    "नमस्ते दुनिया, สวัสดีชาวโลก ทุกคน",
    "a+b = c_d - 3.14 * x[0] && y",
    "naïve Ärger ἀλήθεια ²³ ½ Ⅻ",
    "\u200b\u202e zero width",
    "İstanbul ẞ ǅ",
]


@pytest.mark.parametrize("size", [1, 3, 5])
def test_there_are_as_many_hashes_as_shingles(size: int):
    rows = [sample(prompt, response) for prompt in TEXTS for response in TEXTS[:3]]
    hashed = hashed_shingles(frame(*rows), size)
    assert hashed["prompt"].list.len().to_list() == [len(shingles(row["messages"][0]["content"], size)) for row in rows]


words = st.lists(st.sampled_from("abc"), max_size=12).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(words, words)
def test_texts_share_hashes_as_they_share_shingles(one: str, other: str):
    left, right = hashed_shingles(frame(sample(one, one), sample(other, other)), 3)["response"].to_list()
    assert len(set(left) & set(right)) == len(shingles(one, 3) & shingles(other, 3))


def test_a_prompts_hashes_are_never_a_responses():
    row = hashed_shingles(frame(sample("one two three", "one two three")), 2)
    assert not set(row["prompt"][0]) & set(row["response"][0])


def test_another_process_finds_the_same_hashes():
    code = (
        "from tests.datasets import sample; from tests.purge.pool import frame;"
        "from entp.purge.duplicates.shingles import hashed_shingles;"
        "print(sorted(hashed_shingles(frame(sample('One two three four.', 'Five six')), 2)['prompt'][0]))"
    )
    told = [subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(2)]
    assert told[0] == told[1]
    assert len(told[0]) > 40
