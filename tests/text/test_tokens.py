"""Tokens of many texts at once are those a regular expression finds, one text at a time."""

from __future__ import annotations

import re
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from entp.text.tokens import in_chunks, shingle_hashes, tokens

WORD = r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+"
WORDS = re.compile(WORD + r"|[-+*/=<>^%&|~#$@_\\]")
MARKS = re.compile(WORD + r"|(?:[^\w\s\u3040-\u30ff\u3400-\u9fff]|_)+")
TEXTS = st.lists(st.text(alphabet="ab Z_9é中文カ+-.!\n\U0001f600\ud800", max_size=12), max_size=6)


def found_in(texts: list[str], marks: bool) -> list[list[str]]:
    table = tokens(texts, marks=marks)
    places = list(zip(table.starts, table.ends, strict=True))
    return [
        [text[start:end] for start, end in places[table.offsets[row] : table.offsets[row + 1]]]
        for row, text in enumerate(texts)
    ]


@given(TEXTS)
def test_tokens_are_what_the_expression_finds(texts: list[str]):
    assert found_in(texts, marks=False) == [WORDS.findall(text) for text in texts]
    assert found_in(texts, marks=True) == [MARKS.findall(text) for text in texts]


@given(TEXTS)
def test_equal_tokens_have_equal_hashes_and_others_have_not(texts: list[str]):
    hashes = tokens(texts).hashes.tolist()
    words = [word for text in texts for word in WORDS.findall(text)]
    assert len(set(hashes)) == len(set(words)) == len(set(zip(words, hashes, strict=True)))


@given(TEXTS, st.integers(1, 4))
def test_shingles_are_the_runs_of_each_text(texts: list[str], size: int):
    hashes, per_text = shingle_hashes(tokens(texts), size)
    runs = []
    for text in texts:
        words = WORDS.findall(text)
        runs.append([tuple(words[at : at + size]) for at in range(max(1, len(words) - size + 1))] if words else [()])
    assert per_text.tolist() == [len(own) for own in runs]
    flat = [run for own in runs for run in own]
    assert len(set(flat)) == len(set(hashes.tolist())) == len(set(zip(flat, hashes.tolist(), strict=True)))


@given(TEXTS, st.integers(1, 30))
def test_chunks_are_the_texts_in_order(texts: list[str], characters: int):
    assert [text for chunk in in_chunks(texts, characters) for text in texts[chunk]] == texts


def test_hashes_are_the_same_in_every_process():
    code = "from entp.text.tokens import tokens; print(*tokens(['Name a city.', '北京']).hashes)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert tokens(["Name a city.", "北京"]).hashes.tolist() == [int(number) for number in printed.split()]
