"""What a host's robots.txt allows, as RFC 9309 reads it: asked for once per host, before its first page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from entp.acquire.document import UnreadableError
from entp.acquire.packages import package

#: The name by which robots.txt speaks to us.
USER_AGENT = "entp"
#: A robots.txt may be cut there (RFC 9309, section 2.5).
MAX_BYTES = 512_000
TOO_MANY_REQUESTS = 429


class Answer(NamedTuple):
    """What a host answers: the HTTP status, the `kind` it names (Content-Type), where it points, and the body."""

    status: int
    content_type: str
    location: str | None
    body: bytes


class Robots:
    """The rules of every host asked so far. `get` fetches an address, redirects followed; raises UnreadableError."""

    def __init__(self, get: Callable[[str], Answer]) -> None:
        self._get = get
        self._rules: dict[str, Any] = {}

    def demand_allowed(self, address: str) -> None:
        """Raises UnreadableError where the host's robots.txt disallows the address, or cannot be had."""
        rules = self._rules_of(address)
        if rules is None:
            raise UnreadableError("robots_unreachable", "its host's robots.txt cannot be had, which forbids all of it")
        if not rules.can_fetch(address, USER_AGENT):
            raise UnreadableError("robots_disallow", f"its host's robots.txt keeps {USER_AGENT} out")

    def delay(self, address: str) -> float:
        """Seconds that the host asks to be left alone between two requests, 0 where it asks for none."""
        rules = self._rules_of(address)
        return float((rules.crawl_delay(USER_AGENT) if rules else None) or 0.0)

    def _rules_of(self, address: str) -> Any:
        parts = urlsplit(address)
        host = f"{parts.scheme}://{parts.netloc}"
        if host not in self._rules:
            self._rules[host] = self._read(f"{host}/robots.txt")
        return self._rules[host]

    def _read(self, address: str) -> Any:
        """The rules there; none at all where the host says that it has no such file; None where it can't be asked."""
        parse = package("protego").Protego.parse
        try:
            answer = self._get(address)
        except UnreadableError:
            return None
        if answer.status >= 500 or answer.status == TOO_MANY_REQUESTS:
            return None
        return parse(answer.body.decode("utf-8", "replace") if answer.status == 200 else "")
