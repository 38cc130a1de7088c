"""Which evaluation item a text gives away.

What an item asks is compared with a text by their words (`entp.text.words`), so case, punctuation and line breaks do
not hide a copy. Shared runs are found by their hashes and then compared word by word: what is reported is there.

A shared run alone proves little ("rewrite the following sentence in a more formal way" is in many a pool): an item is
given away where shared runs make up half of what it asks (as in Tülu 3's decontamination), and more of a short one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from entp.contamination.items import SHORTEST_TEXT, Item, built_in_items, read_items
from entp.errors import UsageError
from entp.text.words import is_han, words

#: Share of an item's text that has to be shared (Tülu 3, sec. 3.2).
LEAK_SHARE = 0.5
#: The share, where it comes to fewer words than two runs (our choice): short questions are much alike ("which of the
#: following is not a feature of ..."), and on real pools one in five that shared 80 % asked something else.
SHORT_LEAK_SHARE = 0.95
#: A stretch of this many runs' length gives its item away whatever else the item asks: long passages (our choice).
LONG_STRETCH = 4
#: A run that more items than this have in common is how a benchmark puts its questions, and is left out (our choice).
COMMON_ITEMS = 10
#: What a Chinese character tells, in words (our choice).
HAN_WEIGHT = 0.6
#: Different words with letters among the shared, as a share of a run's length: counting to ten is no leak (our choice).
MIN_VARIETY = 0.5
#: Of the polynomial hash of a run; any large odd number does.
_BASE = np.uint64(0x9E3779B97F4A7C15)


class Leak(NamedTuple):
    """A text holds `share` (0..1) of a text of row `row` of `benchmark`, `stretch` words of it on end."""

    benchmark: str
    row: int
    share: float
    stretch: int


@dataclass(frozen=True)
class ContaminationIndex:
    """Every run of `length` words in the items' texts, to be looked up by `find_runs` and `find_whole`.

    `ids` holds the words of all texts by their numbers (`terms`, `vocabulary`), with a 0 after each text; text t begins
    at `starts[t]` and belongs to item `owners[t]`. `keys` are the sorted hashes of the runs that tell items apart, and
    `places` where in `ids` each begins. `short` has the texts that are shorter than a run.
    """

    length: int
    items: Sequence[Item]
    terms: Sequence[str]
    vocabulary: dict[str, int]
    ids: np.ndarray
    starts: np.ndarray
    owners: np.ndarray
    keys: np.ndarray
    places: np.ndarray
    short: dict[tuple[str, ...], int]

    def find_runs(self, told: Sequence[str]) -> Leak | None:
        """The item that the words of a text give away most of by shared runs."""
        query = np.array([self.vocabulary.get(word, 0) for word in told], dtype=np.int64)
        texts = self._texts_sharing_a_run(query)
        if not texts:
            return None
        runs = {tuple(run) for run in _runs(query, self.length).tolist()}
        leaks = [self._leak(text, runs) for text in texts]
        return max((leak for leak in leaks if leak), key=lambda leak: (leak.share, leak.stretch), default=None)

    def find_whole(self, told: Sequence[str]) -> Leak | None:
        """The item one of whose texts, shorter than a run, is all there is of this text."""
        item = self.short.get(tuple(told))
        return None if item is None else Leak(self.items[item].benchmark, self.items[item].row, 1.0, len(told))

    def _texts_sharing_a_run(self, query: np.ndarray) -> list[int]:
        """The items' texts that may have a run in common with the text: those with a run of the same hash."""
        _, keys = _hashed_runs(query, self.length)
        if not len(keys) or not len(self.keys):
            return []
        nearest = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        hits = np.flatnonzero(self.keys[nearest] == keys)
        ends = np.searchsorted(self.keys, keys[hits], side="right")
        places = [self.places[start:end] for start, end in zip(nearest[hits], ends, strict=True)]
        if not places:
            return []
        texts = np.searchsorted(self.starts, np.concatenate(places), side="right") - 1
        return [int(text) for text in np.unique(texts)]

    def _leak(self, text: int, runs: Set[tuple[int, ...]]) -> Leak | None:
        """What these runs give away of one of the items' texts, if it amounts to a leak."""
        end = int(self.starts[text + 1]) if text + 1 < len(self.starts) else len(self.ids)
        own = self.ids[int(self.starts[text]) : end - 1]
        shared = np.zeros(len(own), dtype=bool)
        for place, run in enumerate(_runs(own, self.length).tolist()):
            if tuple(run) in runs:
                shared[place : place + self.length] = True
        if not self._is_evidence(own[shared]):
            return None
        share, stretch = float(shared.mean()), _longest_stretch(shared)
        demanded = LEAK_SHARE if shared.sum() >= 2 * self.length else SHORT_LEAK_SHARE
        if share < demanded and stretch < LONG_STRETCH * self.length:
            return None
        item = self.items[self.owners[text]]
        return Leak(item.benchmark, item.row, share, stretch)

    def _is_evidence(self, shared: np.ndarray) -> bool:
        """Whether these words say as much as a run of ordinary ones."""
        told = [self.terms[number] for number in shared]
        varied = {word for word in told if not word[0].isdecimal()}
        return _weight(told) >= self.length and len(varied) >= MIN_VARIETY * self.length


def load_index(named: Sequence[str], length: int, setting: str) -> ContaminationIndex:
    """The index of the built-in tasks' items and of those in the files `named` by a `setting` ("audit.benchmarks").

    Raises UsageError for a path that is not there, DataError for a broken file.
    """
    try:
        items = read_items(Path(name).expanduser() for name in named)
    except UsageError as error:
        raise UsageError(f"{setting}: {error}") from error
    return build_index([*built_in_items(), *items], length)


def build_index(items: Sequence[Item], length: int) -> ContaminationIndex:
    """The index of all runs of `length` words in the items' texts, without those that many items share."""
    vocabulary: dict[str, int] = {}
    ids: list[int] = []
    starts: list[int] = []
    owners: list[int] = []
    short: dict[tuple[str, ...], int] = {}
    for number, item in enumerate(items):
        for text in item.texts:
            told = words(text)
            if len(told) >= SHORTEST_TEXT and _weight(told) < length:
                short.setdefault(tuple(told), number)
            elif len(told) >= length:
                starts.append(len(ids))
                owners.append(number)
                ids += [vocabulary.setdefault(word, len(vocabulary) + 1) for word in told]
                ids.append(0)
    ids_of, starts_of, owners_of = (np.array(column, dtype=np.int64) for column in (ids, starts, owners))
    places, keys = _hashed_runs(ids_of, length)
    kept = _uncommon(keys, owners_of[np.searchsorted(starts_of, places, side="right") - 1])
    order = kept[np.argsort(keys[kept], kind="stable")]
    return ContaminationIndex(
        length, items, ["", *vocabulary], vocabulary, ids_of, starts_of, owners_of, keys[order], places[order], short
    )


def _runs(ids: np.ndarray, length: int) -> np.ndarray:
    """Every run of `length` numbers, a row each."""
    if len(ids) < length:
        return np.zeros((0, length), dtype=ids.dtype)
    return np.lib.stride_tricks.sliding_window_view(ids, length)


def _hashed_runs(ids: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the runs of `length` known words begin, and a hash of each."""
    count = max(len(ids) - length + 1, 0)
    keys = np.zeros(count, dtype=np.uint64)
    known = np.ones(count, dtype=bool)
    for offset in range(length):
        window = ids[offset : offset + count]
        keys = keys * _BASE + window.astype(np.uint64)
        known &= window > 0
    places = np.flatnonzero(known)
    return places, keys[places]


def _uncommon(keys: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Positions of the runs that at most COMMON_ITEMS items share."""
    order = np.lexsort((items, keys))
    keys, items = keys[order], items[order]
    is_new = np.ones(len(keys), dtype=bool)
    is_new[1:] = (keys[1:] != keys[:-1]) | (items[1:] != items[:-1])
    _, group, sizes = np.unique(keys, return_inverse=True, return_counts=True)
    sharing = np.bincount(group[is_new], minlength=len(sizes))
    return np.sort(order[sharing[group] <= COMMON_ITEMS])


def _longest_stretch(shared: np.ndarray) -> int:
    """The most trues on end."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], shared, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _weight(told: Iterable[str]) -> float:
    """The length of a text in words, where a Chinese character is less than one."""
    return sum(HAN_WEIGHT if is_han(word) else 1.0 for word in told)
