"""Fetch pages politely: robots.txt heeded, one request at a time, a pause for each host, nothing without a bound.

A page that was fetched is kept, and not asked for again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from entp import atomic, store
from entp.acquire.addresses import canonical
from entp.acquire.document import Kind, LeftOut, Origin, UnreadableError
from entp.acquire.documents import ENDINGS
from entp.acquire.packages import package
from entp.acquire.robots import MAX_BYTES as ROBOTS_BYTES
from entp.acquire.robots import USER_AGENT, Answer, Robots
from entp.config import AcquireConfig
from entp.errors import one_line
from entp.progress import Advance
from entp.records import digest_of

FOLDER = "pages"
REDIRECTS = (301, 302, 303, 307, 308)
#: As many as RFC 9309 asks of who reads a robots.txt.
MAX_REDIRECTS = 5
#: Bytes read at a time.
PIECE = 1 << 16
#: The longest pause that a robots.txt can demand: some ask for hours to keep everybody out.
LONGEST_DELAY = 60.0
TYPES: dict[str, Kind] = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/epub+zip": "epub",
    "text/markdown": "markdown",
}
#: What hosts say of files that they know nothing of; the ending tells, then.
_VAGUE = ("", "application/octet-stream", "binary/octet-stream", "text/plain", "application/zip")


class Fetcher:
    """Fetches one page after the other into `folder`."""

    def __init__(self, config: AcquireConfig, folder: Path) -> None:
        self._config = config
        self._folder = folder
        self._pool: Any = package("urllib3").PoolManager(headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"})
        self._robots = Robots(lambda address: self._follow(address, ROBOTS_BYTES, heed=False)[1])
        self._asked: dict[str, float] = {}

    def fetch(self, addresses: Sequence[str], advance: Advance) -> tuple[list[Origin], list[LeftOut]]:
        """The pages at these (canonical) addresses, each once wherever redirects lead; and what could not be had."""
        found: dict[str, Origin] = {}
        left_out: list[LeftOut] = []
        for address in addresses:
            try:
                origin = self._kept(address) or self._fetched(address)
            except UnreadableError as error:
                left_out.append(LeftOut(address, error.reason, error.detail))
            else:
                if origin.address in found:
                    left_out.append(LeftOut(address, "repeated_address", f"it leads to {origin.address}"))
                found.setdefault(origin.address, origin)
            advance()
        return list(found.values()), left_out

    def _kept(self, asked: str) -> Origin | None:
        """The page as an earlier run fetched it."""
        body = self._folder / digest_of(asked)
        try:
            told = json.loads(body.with_suffix(".json").read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        size = body.stat().st_size
        if size > self._config.max_bytes:
            raise UnreadableError("too_large", f"{size:,} bytes, acquire.max_bytes is {self._config.max_bytes:,}")
        return Origin(told["address"], body, told["kind"], _host(told["address"]))

    def _fetched(self, asked: str) -> Origin:
        address, answer = self._follow(asked, self._config.max_bytes, heed=True)
        if answer.status != 200:
            raise UnreadableError("http_error", f"the host answers with status {answer.status}")
        kind = _kind(answer.content_type, address)
        self._folder.mkdir(parents=True, exist_ok=True)
        body = self._folder / digest_of(asked)
        with atomic.new_file(body) as partial:
            partial.write_bytes(answer.body)
        # Last: a page is kept where this is.
        store.write_json(body.with_suffix(".json"), {"asked": asked, "address": address, "kind": kind})
        return Origin(address, body, kind, _host(address))

    def _follow(self, address: str, max_bytes: int, *, heed: bool) -> tuple[str, Answer]:
        """Where redirects lead, and the answer there; each of them is checked as the first address is (`heed`)."""
        for _ in range(MAX_REDIRECTS + 1):
            if heed:
                self._robots.demand_allowed(address)
            self._wait(address, self._robots.delay(address) if heed else 0.0)
            answer = self._get(address, max_bytes)
            if answer.status not in REDIRECTS or not answer.location:
                return address, answer
            try:
                address = canonical(urljoin(address, answer.location))
            except ValueError as error:
                raise UnreadableError("not_http", f"it leads to {answer.location[:200]}: {error}") from error
        raise UnreadableError("too_many_redirects", f"more than {MAX_REDIRECTS}")

    def _wait(self, address: str, demanded: float) -> None:
        """Leave the host alone for as long as it, or the settings, ask since the last answer."""
        host = urlsplit(address).netloc
        pause = max(self._config.delay_seconds, min(demanded, LONGEST_DELAY))
        if host in self._asked:
            time.sleep(max(0.0, self._asked[host] + pause - time.monotonic()))

    def _get(self, address: str, max_bytes: int) -> Answer:
        """One request. Raises UnreadableError where there is no answer in time, or too large a one."""
        urllib3 = package("urllib3")
        seconds = self._config.timeout_seconds
        deadline = time.monotonic() + seconds
        try:
            response = self._pool.request(
                "GET", address, redirect=False, retries=False, preload_content=False, timeout=seconds
            )
            try:
                body = _body(response, max_bytes, deadline)
            finally:
                response.close()
        except urllib3.exceptions.TimeoutError as error:
            raise UnreadableError("timed_out", f"no answer in {seconds:g} seconds") from error
        except urllib3.exceptions.HTTPError as error:
            raise UnreadableError("unreachable", one_line(error)) from error
        finally:
            self._asked[urlsplit(address).netloc] = time.monotonic()
        headers = response.headers
        return Answer(response.status, headers.get("Content-Type", ""), headers.get("Location"), body)


def _body(response: Any, max_bytes: int, deadline: float) -> bytes:
    """The body, piece by piece: neither a host that never ends nor one that takes its time is waited for."""
    pieces: list[bytes] = []
    size = 0
    while piece := response.read1(PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > max_bytes:
            raise UnreadableError("too_large", f"more than {max_bytes:,} bytes (acquire.max_bytes)")
        if time.monotonic() > deadline:
            raise UnreadableError("timed_out", f"{size:,} bytes came in time, and more were to come")
    return b"".join(pieces)


def _kind(content_type: str, address: str) -> Kind:
    """The format, by what the host calls it, else by the address' ending."""
    name = content_type.partition(";")[0].strip().lower()
    if name in TYPES:
        return TYPES[name]
    ending = Path(urlsplit(address).path).suffix.lower()
    if name in _VAGUE and ending in ENDINGS:
        return ENDINGS[ending]
    raise UnreadableError(
        "unsupported_type", f"the host calls it {name[:100] or 'nothing'}; read are {', '.join(TYPES)}"
    )


def _host(address: str) -> str:
    return urlsplit(address).hostname or address
