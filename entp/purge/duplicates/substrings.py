"""Boilerplate: word-for-word spans that many texts share ("Here is a possible answer to your question:").

Lee et al. (2022) find shared substrings with a suffix array and remove those of 50 tokens that occur twice. Here a
span must be shared by many samples, so nearly all positions fall out after one look at a table of counts, and what
remains is grouped and lengthened token by token: the same spans, without sorting all suffixes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from entp.records import SPANS
from entp.text.tokens import Tokens, distinct, in_chunks, mix, tokens

#: Longer spans are cut: what so many samples share at such length is boilerplate by its beginning.
MAX_TOKENS = 256
#: Where the spans are: characters `start` to `end` of the text `row` (0-based).
PLACES = pl.Schema({"row": pl.Int64, "span": pl.Int64, "start": pl.Int64, "end": pl.Int64})
_CELLS = 1 << 24
_FACTOR = np.uint64(0x9FB21C651E98DF25)


@dataclass(frozen=True)
class _Found:
    """Spans in the joined token table: first token, length, a number equal for equal spans, and distinct texts."""

    first: np.ndarray
    length: np.ndarray
    key: np.ndarray
    texts: np.ndarray


def shared_spans(texts: Sequence[str], min_tokens: int, min_texts: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """SPANS, most widespread first, and PLACES: all longest runs of `min_tokens` tokens or more in `min_texts` texts.

    A token is a word, a Han or kana character, or a run of marks (`entp.text.tokens`): white space
    and line breaks do not make a difference, case and punctuation do. Equal texts count once. At each place the longest
    span is given, and none that lies inside another. Inside a text that says a thing over and over without a gap, only
    the first time is looked at. About 20 bytes a token are held, beside the texts.
    """
    unique = list(dict.fromkeys(texts))
    table = _token_table(unique)
    found = _uncovered(_lengthen(table, *_frequent(table, min_tokens, min_texts), min_tokens, min_texts))
    places = _places(unique, table, found)
    names = pl.DataFrame({"text": texts}).with_row_index("row")
    numbers = pl.DataFrame({"text": unique}).with_row_index("distinct")
    rows = names.join(numbers, on="text").select("row", "distinct")
    spans = places.group_by("span").agg(pl.col("text", "tokens", "texts").sort_by("text").first())
    order = spans.sort(["texts", "tokens", "text"], descending=[True, True, False]).with_row_index("number")
    in_rows = rows.join(places.select("distinct", "span", "start", "end"), on="distinct")
    numbered = in_rows.join(order.select("span", "number"), on="span").with_columns(span="number")
    return (
        order.with_columns(span="number").select(list(SPANS)).cast(SPANS),
        numbered.select(list(PLACES)).cast(PLACES).sort("row", "start"),
    )


def _token_table(texts: Sequence[str]) -> Tokens:
    """All texts' tokens in one table."""
    hashes, starts, ends = [np.empty(0, np.uint64)], [np.empty(0, np.int32)], [np.empty(0, np.int32)]
    is_word = [np.empty(0, np.bool_)]
    counts = [np.zeros(1, np.int64)]
    for chunk in in_chunks(texts):
        part = tokens(texts[chunk], marks=True)
        hashes.append(part.hashes)
        starts.append(part.starts.astype(np.int32))
        ends.append(part.ends.astype(np.int32))
        is_word.append(part.is_word)
        counts.append(part.counts)
    return Tokens(np.cumsum(np.concatenate(counts)), _joined(hashes), _joined(starts), _joined(ends), _joined(is_word))


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """The parts on end; they are let go of, for there is no room for several columns twice."""
    whole = np.concatenate(parts)
    parts.clear()
    return whole


def _frequent(table: Tokens, size: int, min_texts: int) -> tuple[np.ndarray, np.ndarray]:
    """First tokens, and keys, of the runs of `size` tokens that enough texts hold; runs to be found from further left
    are left out."""
    counts = np.zeros(_CELLS, np.uint32)
    for _, keys in _runs(table, size):
        np.add.at(counts, _cell(keys), np.uint32(1))
    likely = [(np.empty(0, np.int64), np.empty(0, np.uint64))]
    for first, keys in _runs(table, size):
        often = counts[_cell(keys)] >= min_texts
        likely.append((first[often], keys[often]))
    first, keys = (np.concatenate(column) for column in zip(*likely, strict=True))
    held = _texts_per_key(table, first, keys) >= min_texts
    first, keys = first[held], keys[held]
    fresh = ~_always_preceded_alike(table, first, keys) & ~_overlaps_itself(first, keys, size)
    return first[fresh], keys[fresh]


def _runs(table: Tokens, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """First tokens and keys of all runs of `size` tokens inside one text, a part of the texts at a time."""
    step = 1 << 21
    for start, stop in pairwise([*range(0, len(table.hashes), step), len(table.hashes)]):
        first = np.arange(start, stop)
        first = first[first + size <= _text_ends(table, first)]
        keys = np.zeros(len(first), np.uint64)
        for token in range(size):
            keys = mix(keys * _FACTOR + table.hashes[first + token])
        yield first, keys


def _text_ends(table: Tokens, first: np.ndarray) -> np.ndarray:
    """Where the text of each token ends, in tokens."""
    return np.asarray(table.offsets[np.searchsorted(table.offsets, first, side="right")])


def _cell(keys: np.ndarray) -> np.ndarray:
    return (keys & np.uint64(_CELLS - 1)).astype(np.int64)


def _lengthen(table: Tokens, first: np.ndarray, keys: np.ndarray, size: int, min_texts: int) -> _Found:
    """The longest run from each first token that enough texts hold."""
    ends = _text_ends(table, first)
    texts = _texts_per_key(table, first, keys)
    done: list[tuple[np.ndarray, ...]] = [(first[:0], first[:0], keys[:0], texts[:0])]
    while len(first):
        longer = np.zeros(len(first), bool)
        grown, held = keys.copy(), texts.copy()
        if size < MAX_TOKENS:
            goes_on = first + size < ends
            grown[goes_on] = mix(keys[goes_on] * _FACTOR + table.hashes[first[goes_on] + size])
            held[goes_on] = _texts_per_key(table, first[goes_on], grown[goes_on])
            longer = goes_on & (held >= min_texts)
        done.append((first[~longer], np.full((~longer).sum(), size), keys[~longer], texts[~longer]))
        first, keys, texts, ends, size = first[longer], grown[longer], held[longer], ends[longer], size + 1
    return _Found(*(np.concatenate(column) for column in zip(*done, strict=True)))


def _texts_per_key(table: Tokens, first: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """For each run, the number of texts that hold an equal one."""
    _, group = np.unique(keys, return_inverse=True)
    owner = np.searchsorted(table.offsets, first, side="right") - 1
    held = distinct(group * len(table.offsets) + owner)
    return np.bincount(held // len(table.offsets))[group] if len(group) else group


def _always_preceded_alike(table: Tokens, first: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Whether all equal runs follow the same token: then the longer run that begins there says it all."""
    if not len(first):
        return np.zeros(0, bool)
    _, one, group = np.unique(keys, return_index=True, return_inverse=True)
    before = table.hashes[np.maximum(first - 1, 0)]
    begins_text = np.isin(first, table.offsets)
    differs = begins_text | (before != before[one][group])
    return np.bincount(group, weights=differs)[group] == 0


def _overlaps_itself(first: np.ndarray, keys: np.ndarray, size: int) -> np.ndarray:
    """Whether an equal run begins less than a run earlier."""
    order = np.lexsort((first, keys))
    again = np.zeros(len(first), bool)
    again[order[1:]] = (np.diff(first[order]) < size) & (keys[order[1:]] == keys[order[:-1]])
    return again


def _uncovered(found: _Found) -> _Found:
    """Without the spans that lie inside another, in the order of their places."""
    order = np.argsort(found.first)
    ends = (found.first + found.length)[order]
    reached = np.maximum.accumulate(np.concatenate([[-1], ends]))[:-1]
    kept = order[ends > reached]
    return _Found(found.first[kept], found.length[kept], found.key[kept], found.texts[kept])


def _places(texts: Sequence[str], table: Tokens, found: _Found) -> pl.DataFrame:
    """Where the spans are in the distinct texts; those that only share a hash with the first of their kind fall out."""
    owner = np.searchsorted(table.offsets, found.first, side="right") - 1
    starts, ends = table.starts[found.first], table.ends[found.first + found.length - 1]
    written = [texts[row][start:end] for row, start, end in zip(owner, starts, ends, strict=True)]
    _, span = np.unique(found.key, return_inverse=True)
    columns = {"distinct": owner, "span": span, "start": starts, "end": ends, "tokens": found.length}
    places = pl.DataFrame({**columns, "texts": found.texts, "text": pl.Series(written, dtype=pl.String)})
    text = pl.col("text").str.replace_all(r"\s+", "")
    return places.filter(text == text.first().over("span")).cast({"distinct": pl.UInt32})
