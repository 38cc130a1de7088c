"""Names of sources as trackers, terminals and file systems can take them, made once where rows come in."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from entp.pii.find import find_personal_data

#: Longer names are cut (our choice; MLflow takes 250 characters for a metric's whole name).
LONGEST = 80
_SCHEME = re.compile(r"\A[a-z][a-z0-9+.-]*://(?:[^/@\s]*@)?", re.IGNORECASE)
_QUERY = re.compile(r"[?#].*\Z", re.DOTALL)
#: What moves a terminal's cursor or turns its text around.
_REFUSED = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


@lru_cache(maxsize=1 << 16)
def source_name(given: str) -> str:
    """The name of a source: an address without scheme, user and query; personal data as its type.

    Names that had to be cut or rewritten end in a digest of what was given, so that no two sources become one; where
    personal data was in it there is no digest either.
    """
    name = _SCHEME.sub("", " ".join(given.split()))
    plain = _QUERY.sub("", name) if _SCHEME.match(given.strip()) else name
    public = _without_personal_data(plain)
    parts = [part for part in _REFUSED.sub("_", public).split("/") if part not in ("", ".", "..")]
    safe = "/".join(parts) or "unnamed"
    if public != plain or (len(safe) <= LONGEST and safe == name.strip("/")):
        return safe[:LONGEST]
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{safe[: LONGEST - 9]}-{digest}"


def _without_personal_data(text: str) -> str:
    for datum in reversed(find_personal_data(text)):
        text = f"{text[: datum.start]}{datum.type.upper()}{text[datum.end :]}"
    return text
