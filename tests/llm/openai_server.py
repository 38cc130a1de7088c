"""A real HTTP server that speaks the OpenAI wire format, with a fault on demand."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, Any]] | str


def completion(
    text: str = "hello", finish: str = "stop", logprobs: dict[str, float] | None = None, **message: Any
) -> Answer:
    """A chat completion; `logprobs` are those of the first token's alternatives."""
    top = [{"token": token, "logprob": value, "bytes": None} for token, value in (logprobs or {}).items()]
    choice = {
        "index": 0,
        "finish_reason": finish,
        "message": {"role": "assistant", "content": text, **message},
        "logprobs": {"content": [{**top[0], "top_logprobs": top}]} if top else None,
    }
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    return 200, {
        "id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage
    }  # fmt: skip


def error(status: int, message: str = "no", code: str | None = None) -> Answer:
    """An error as the protocol spells it."""
    return status, {"error": {"message": message, "type": "error", "code": code}}


class Server:
    """Answers by `answers[path]`, one after the other, the last one for ever; remembers what it was sent."""

    def __init__(self, **answers: list[Answer | Callable[[dict[str, Any]], Answer]]) -> None:
        self.answers = {"models": [(200, {"object": "list", "data": []})], **answers}
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.keys: set[str] = set()
        self.url = ""
        self._lock = threading.Lock()

    def calls(self, path: str) -> list[dict[str, Any]]:
        """Bodies of the requests to `path`."""
        return [body for at, body in self.seen if at == path]

    def next_answer(self, path: str, body: dict[str, Any]) -> Answer:
        with self._lock:
            self.seen.append((path, body))
            rest = self.answers.get(path, [error(404, f"no {path}")])
            answer = rest.pop(0) if len(rest) > 1 else rest[0]
        return answer(body) if callable(answer) else answer


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """The server on a free port; `server.url` is its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.respond({})

        def do_POST(self) -> None:
            self.respond(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def respond(self, body: dict[str, Any]) -> None:
            server.keys.add(self.headers.get("Authorization", ""))
            answer = server.next_answer(self.path.rsplit("/", 1)[-1], body)
            if answer == "hang":
                time.sleep(3)
                return
            status, content = (200, {}) if isinstance(answer, str) else answer
            payload = b"<html>not JSON</html>" if answer == "page" else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if answer == "page" else "application/json")
            self.send_header("Content-Length", str(len(payload) + (100 if answer == "cut" else 0)))
            self.end_headers()
            self.wfile.write(payload)
            self.close_connection = answer == "cut"

        def log_message(self, *_: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_port}/v1"
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
