"""Web addresses: a list of them from a file, and the one form of an address by which pages are told apart."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from entp.acquire.document import LeftOut
from entp.errors import DataError

SCHEMES = ("http", "https")
_PORTS = {"http": 80, "https": 443}
#: What need not be escaped in a path or query, escapes that are there already among it.
_SAFE = "/%:@!$&'()*+,;=-._~?"


def read_addresses(path: Path) -> list[str]:
    """The addresses of a file: one a line; what follows a `#` at a line's beginning or after a space is a comment.

    Raises DataError where the file cannot be read or holds none.
    """
    try:
        lines = path.expanduser().read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"--urls {path}: cannot be read as text ({error}); expected one address a line") from error
    found = [address for line in lines if (address := f" {line}".split(" #")[0].strip())]
    if not found:
        raise DataError(f"--urls {path}: no address in it; expected one a line, such as https://example.org/page")
    return found


def canonical(address: str) -> str:
    """An address as it is compared: scheme and host in lower case, no default port, no fragment.

    Raises ValueError for what is no http address, or has a name or password in it.

    >>> canonical("HTTPS://Example.org:443/a b?z=1#top")
    'https://example.org/a%20b?z=1'
    """
    parts = urlsplit(address.strip())
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    if scheme not in SCHEMES or not host:
        raise ValueError("not an http or https address")
    if parts.username or parts.password:
        raise ValueError("a name or password in an address ends up in provenance")
    named = f"[{host}]" if ":" in host else host.encode("idna").decode()
    place = named if parts.port in (None, _PORTS[scheme]) else f"{named}:{parts.port}"
    path, query = (quote(part, safe=_SAFE) for part in (parts.path or "/", parts.query))
    return urlunsplit((scheme, place, path, query, ""))


def distinct(addresses: Iterable[str], most: int) -> tuple[list[str], list[LeftOut]]:
    """The first `most` different addresses in their canonical form, and the others with the reason."""
    taken: dict[str, None] = {}
    left_out: list[LeftOut] = []
    for given in addresses:
        try:
            address = canonical(given)
        except ValueError as error:
            left_out.append(LeftOut(given, "not_http", str(error)))
            continue
        if address in taken:
            left_out.append(LeftOut(given, "repeated_address", f"as {address}"))
        elif len(taken) == most:
            left_out.append(LeftOut(given, "over_budget", f"acquire.max_pages is {most}"))
        else:
            taken[address] = None
    return list(taken), left_out
