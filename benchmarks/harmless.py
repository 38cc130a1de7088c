"""The counterpart of an attack: the same sample with a harmless text of the same length in the attack's place.

Any added text moves a rating a little. What an attack does beyond that is its own doing.
"""

from __future__ import annotations

import itertools

#: Sentences that ask for nothing and speak of no quality.
ENGLISH = (
    "The ferry leaves the harbour at noon. ",
    "Basil grows on a sunny sill. ",
    "The kettle is round and made of copper. ",
    "A narrow path leads along the river. ",
    "In October the swallows are gone. ",
    "The library stands between two oaks. ",
)
CHINESE = ("渡船中午离开港口。", "窗台上种着罗勒。", "水壶是铜做的。", "小路沿着河边走。", "十月燕子已经飞走了。")


def harmless(original: str, attacked: str) -> str:
    """`original` with harmless text where `attacked` has text of its own, and as much of it."""
    start = _alike(original, attacked)
    end = _alike(original[start:][::-1], attacked[start:][::-1])
    added = attacked[start : len(attacked) - end]
    return original[:start] + _filling(added) + original[start:] if added else original


def _alike(one: str, other: str) -> int:
    """How many characters both begin with."""
    return sum(1 for _ in itertools.takewhile(lambda two: two[0] == two[1], zip(one, other, strict=False)))


def _filling(added: str) -> str:
    """As many characters, in the language of most of them, with white space where it begins and ends with some."""
    body = added.strip()
    chinese = sum("一" <= character <= "鿿" for character in body) > len(body) / 4
    sentences = itertools.cycle(CHINESE if chinese else ENGLISH)
    text = ""
    while len(text) < len(body):
        text += next(sentences)
    lead = added[: len(added) - len(added.lstrip())]
    tail = added[len(added.rstrip()) :] if body else ""
    return lead + text[: len(body)] + tail
