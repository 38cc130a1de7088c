"""A host on this machine, whose pages and answers a test makes up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HTML = {"Content-Type": "text/html; charset=utf-8"}
Page = tuple[int, Mapping[str, str], bytes]
#: What a host does at a path: answer with a status, headers and a body, or whatever the function does.
Answers = Mapping[str, Page | Callable[[BaseHTTPRequestHandler], None]]


class Host:
    """A host on this machine: `pages` by path, and the `asked` paths with their times."""

    def __init__(self, pages: Answers) -> None:
        self.pages: Answers = {"/robots.txt": (404, {}, b""), **pages}
        self.asked: list[tuple[str, float, str]] = []
        self.address = ""

    def paths(self) -> list[str]:
        return [path for path, _, _ in self.asked]


@contextmanager
def serving(pages: Answers) -> Iterator[Host]:
    host = Host(pages)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host.asked.append((self.path, time.monotonic(), self.headers["User-Agent"]))
            page = host.pages.get(self.path, (404, HTML, b"nothing"))
            if callable(page):
                page(self)
                return
            status, headers, body = page
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    host.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
