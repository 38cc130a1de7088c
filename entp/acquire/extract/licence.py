"""The licence that a document states, in one form where it is one of Creative Commons'."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: More words than this are a notice, not the name of a licence.
LONGEST = 300
_CREATIVE_COMMONS = re.compile(
    r"creativecommons\.org/(?:licenses/(?P<terms>[a-z-]+)/(?P<version>\d\.\d)|publicdomain/(?P<public>zero|mark))"
)
_NAMED = re.compile(r"\bcc[ -](?P<terms>by(?:[ -](?:nc|nd|sa))*)[ -](?P<version>\d\.\d)\b")
_PUBLIC = {"zero": "CC0-1.0", "mark": "public domain"}


def named_licence(stated: Iterable[str | None]) -> str | None:
    """The first licence among what is stated: its SPDX name where it is Creative Commons', else the words.

    >>> named_licence([None, "https://creativecommons.org/licenses/by-sa/4.0/deed.de"])
    'CC-BY-SA-4.0'
    >>> named_licence(["This text is under CC BY-NC 3.0."])
    'CC-BY-NC-3.0'
    """
    for text in stated:
        words = " ".join((text or "").split())
        if found := _CREATIVE_COMMONS.search(words.lower()):
            return _PUBLIC[found["public"]] if found["public"] else f"CC-{found['terms'].upper()}-{found['version']}"
        if found := _NAMED.search(words.lower()):
            return f"CC-{found['terms'].upper().replace(' ', '-')}-{found['version']}"
        if words:
            return words[:LONGEST]
    return None
