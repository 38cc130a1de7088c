"""Which samples give evaluation items away, and where in them: training on those would be learning the exam."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import polars as pl

from entp.contamination.index import ContaminationIndex, Leak, load_index
from entp.contamination.prefilter import Prefilter, build_prefilter
from entp.records import LEAKS
from entp.text.tokens import Tokens
from entp.text.words import words


@dataclass(frozen=True)
class Benchmarks:
    """The evaluation items that must not leak."""

    index: ContaminationIndex
    prefilter: Prefilter


@cache
def benchmarks(named: tuple[str, ...], length: int) -> Benchmarks:
    """The built-in items and those of the files named, by runs of `length` words; read once in each process."""
    index = load_index(named, length, "purge.benchmarks")
    return Benchmarks(index, build_prefilter(index.items, length))


def find_leaks(texts: pl.DataFrame, tokens: Mapping[str, Tokens], against: Benchmarks) -> pl.DataFrame:
    """One LEAKS row per prompt or response that gives an item away: the item that it holds most of.

    `texts` has `id`, `prompt` and `response`, and `tokens` those of both sides in lower case.
    """
    found = []
    for side in ("prompt", "response"):
        suspects = texts.filter(pl.Series(against.prefilter.may_leak(tokens[side])))
        for sample_id, text in suspects.select("id", side).iter_rows():
            told = words(text)
            # Short items are looked for as a whole prompt only: an answer of a few words is anybody's.
            leak = against.index.find_runs(told) or (against.index.find_whole(told) if side == "prompt" else None)
            if leak:
                found.append((sample_id, side, *leak[:4], _stretch(told, leak, against.index)))
    return pl.DataFrame(found, schema=LEAKS, orient="row")


def _stretch(told: list[str], leak: Leak, index: ContaminationIndex) -> str:
    """The longest run of words that the text has in common with the item."""
    item = next(item for item in index.items if (item.benchmark, item.row) == (leak.benchmark, leak.row))
    length = min(index.length, len(told))
    theirs = {
        tuple(asked[start : start + length])
        for asked in map(words, item.texts)
        for start in range(len(asked) - length + 1)
    }
    longest: list[str] = []
    current: list[str] = []
    for start in range(len(told) - length + 1):
        if tuple(told[start : start + length]) in theirs:
            current = [*current, told[start + length - 1]] if current else told[start : start + length]
            longest = max(longest, current, key=len)
        else:
            current = []
    return " ".join(longest)
