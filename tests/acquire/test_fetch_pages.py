from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler
from itertools import pairwise
from pathlib import Path

import pytest

from entp.acquire.addresses import canonical, distinct, read_addresses
from entp.acquire.fetch_pages import Fetcher
from entp.config import AcquireConfig
from entp.errors import DataError
from tests.acquire.host import HTML, Host, serving
from tests.acquire.library import html

OK = (200, HTML, html("Bees"))


def quiet(items: int = 1) -> None:
    """Nobody watches."""


def fetch(host: Host, folder: Path, *paths: str, **settings):
    config = AcquireConfig(**{"delay_seconds": 0.0, "timeout_seconds": 5.0, **settings})
    origins, left_out = Fetcher(config, folder).fetch([host.address + path for path in paths], quiet)
    return origins, {one.address.removeprefix(host.address): one.reason for one in left_out}


def test_a_page_is_fetched_under_our_name_and_kept(tmp_path):
    with serving({"/bees": OK}) as host:
        (page,), left_out = fetch(host, tmp_path, "/bees")
        assert (page.address, page.kind, page.source) == (f"{host.address}/bees", "html", "127.0.0.1")
        assert page.path.read_bytes() == html("Bees")
        assert left_out == {}
        assert {agent for _, _, agent in host.asked} == {"entp"}


def test_a_page_that_is_kept_is_not_asked_for_again(tmp_path):
    with serving({"/bees": OK, "/clay": OK}) as host:
        fetch(host, tmp_path, "/bees")
        host.asked.clear()
        pages, _ = fetch(host, tmp_path, "/bees", "/clay")
        assert len(pages) == 2
        assert host.paths() == ["/robots.txt", "/clay"]


def test_robots_txt_is_asked_for_once_and_heeded(tmp_path):
    rules = b"User-agent: entp\nDisallow: /private/\n"
    with serving({"/robots.txt": (200, {}, rules), "/a": OK, "/private/b": OK}) as host:
        pages, left_out = fetch(host, tmp_path, "/a", "/private/b")
        assert len(pages) == 1
        assert left_out == {"/private/b": "robots_disallow"}
        assert host.paths() == ["/robots.txt", "/a"]


def test_a_robots_txt_that_cannot_be_had_forbids_the_host(tmp_path):
    with serving({"/robots.txt": (503, {}, b""), "/a": OK}) as host:
        assert fetch(host, tmp_path, "/a", "/b") == ([], {"/a": "robots_unreachable", "/b": "robots_unreachable"})
        assert host.paths() == ["/robots.txt"]


def test_a_redirect_is_followed_and_checked_against_robots_txt(tmp_path):
    to_a, to_private = (302, {"Location": "/a"}, b""), (302, {"Location": "/private"}, b"")
    rules = (200, {}, b"User-agent: *\nDisallow: /private\n")
    with serving({"/robots.txt": rules, "/a": OK, "/old": to_a, "/sly": to_private, "/private": OK}) as host:
        (page,), left_out = fetch(host, tmp_path, "/old", "/sly", "/a")
        assert page.address == f"{host.address}/a"
        assert left_out == {"/sly": "robots_disallow", "/a": "repeated_address"}
        assert "/private" not in host.paths()


@pytest.mark.parametrize(("location", "reason"), [("/round", "too_many_redirects"), ("file:///etc/passwd", "not_http")])
def test_a_redirect_that_leads_nowhere_ends(tmp_path, location, reason):
    with serving({"/round": (301, {"Location": location}, b"")}) as host:
        assert fetch(host, tmp_path, "/round") == ([], {"/round": reason})
        assert len(host.asked) <= 7


def test_what_a_host_answers_otherwise_is_named(tmp_path):
    pages = {
        "/gone": (404, HTML, b""),
        "/broken": (500, HTML, b""),
        "/film": (200, {"Content-Type": "video/mp4"}, b"0"),
        "/text.md": (200, {"Content-Type": "text/plain"}, b"# Words"),
    }
    with serving(pages) as host:
        (page,), left_out = fetch(host, tmp_path, *pages)
        assert page.kind == "markdown"
        assert left_out == {"/gone": "http_error", "/broken": "http_error", "/film": "unsupported_type"}


def test_a_page_beyond_the_limit_is_not_read_to_its_end(tmp_path):
    sent = []

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.end_headers()
        try:
            for _ in range(1000):
                handler.wfile.write(b"0" * 100_000)
                sent.append(100_000)
        except OSError:
            pass

    with serving({"/endless": endless}) as host:
        assert fetch(host, tmp_path, "/endless", max_bytes=1_000_000) == ([], {"/endless": "too_large"})
    assert sum(sent) < 50_000_000
    assert list(tmp_path.iterdir()) == []


def test_a_host_that_drips_is_left_in_time(tmp_path):
    def dripping(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.end_headers()
        try:
            for _ in range(50):
                handler.wfile.write(b"0")
                handler.wfile.flush()
                time.sleep(0.05)
        except OSError:
            pass

    with serving({"/drip": dripping}) as host:
        begun = time.monotonic()
        assert fetch(host, tmp_path, "/drip", timeout_seconds=0.3) == ([], {"/drip": "timed_out"})
        assert time.monotonic() - begun < 2


def test_a_host_that_is_not_there_is_unreachable_for_its_robots_txt(tmp_path):
    with serving({}) as host:
        pass
    assert fetch(host, tmp_path, "/a")[1] == {"/a": "robots_unreachable"}


def test_a_host_is_left_alone_between_requests_for_as_long_as_it_asks(tmp_path):
    rules = b"User-agent: *\nCrawl-delay: 0.2\n"
    with serving({"/robots.txt": (200, {}, rules), "/a": OK, "/b": OK}) as host:
        fetch(host, tmp_path, "/a", "/b", delay_seconds=0.05)
        times = [moment for _, moment, _ in host.asked]
    assert all(later - earlier >= 0.2 for earlier, later in pairwise(times))


def test_addresses_are_read_one_a_line_without_comments(tmp_path):
    file = tmp_path / "urls.txt"
    file.write_text("# mine\nhttps://a.org/x#part # a page\n\nhttps://b.org\n")
    assert read_addresses(file) == ["https://a.org/x#part", "https://b.org"]
    file.write_text("# none\n")
    with pytest.raises(DataError, match="no address in it"):
        read_addresses(file)


def test_addresses_are_told_apart_in_one_form_and_bounded():
    given = ["HTTP://A.org:80/x#one", "http://a.org/x", "ftp://a.org/", "https://user:word@a.org/", "http://b.org/c d"]
    taken, left_out = distinct(given, 1)
    assert taken == ["http://a.org/x"]
    assert [one.reason for one in left_out] == ["repeated_address", "not_http", "not_http", "over_budget"]
    assert canonical("http://b.org/c d?q=%20x") == "http://b.org/c%20d?q=%20x"
