"""A real HTTP server that speaks the OpenAI wire format, with faults on demand or by seeded rates.

In the test's own process:

    with serving(Server(completions=[error(429), completion("at last")])) as server: ...
    with serving(Server(faults={"429": 0.1, "hang": 0.05}, completions=[by_digest])) as server: ...

As a process of its own, which outlives a client that is killed (port 0: a free one; prints the base URL):

    python -m tests.llm.openai_server --port 0 --faults 429=0.1,500=0.05,hang=0.05,malformed=0.1,cut=0.02
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: Status, body and perhaps headers; or "hang" (no reply while the client waits), "page" (HTML in place of JSON),
#: "cut" (a body that breaks off), "drop" (the connection is closed without a word).
Answer = tuple[int, dict[str, Any]] | tuple[int, dict[str, Any], dict[str, str]] | str
Body = dict[str, Any]
FAULTS = ("429", "500", "hang", "malformed", "cut")
#: What a 429 asks for, as the header has it: in seconds.
RETRY_AFTER = "0.1"
LONGEST_HANG = 300.0
LIKELY = ("0", "1", "2", "3", "4", "5", "Yes", "No", "A", "B")


def completion(
    text: str = "hello", finish: str = "stop", logprobs: dict[str, float] | None = None, **message: Any
) -> tuple[int, dict[str, Any]]:
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


def error(status: int, message: str = "no", code: str | None = None, **headers: str) -> Answer:
    """An error as the protocol spells it; `Retry_After="1"` is a header."""
    body = {"error": {"message": message, "type": "error", "code": code}}
    return status, body, {name.replace("_", "-"): value for name, value in headers.items()}


def digest(body: Body) -> str:
    """The same for the same request, whoever sends it."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def by_digest(body: Body) -> Answer:
    """A reply that depends on the request alone: text, JSON by its schema, log-probabilities, tokens (bytes)."""
    if "max_tokens" not in body:
        text = body["prompt"] if "prompt" in body else "".join(turn["content"] for turn in body["messages"])
        return 200, {"tokens": list(text.encode())}
    if "prompt" in body:
        return _scored(body["prompt"])
    mark = digest(body)
    if body.get("logprobs"):
        return completion("4", logprobs={token: -0.5 - int(mark[n], 16) / 4 for n, token in enumerate(LIKELY)})
    words = re.findall(r"[^\W\d_]{5,}", body["messages"][-1]["content"])[-200:]
    chosen = [words[int(mark[n : n + 4], 16) % len(words)] for n in range(0, 48, 4)] if words else ["this"]
    text = f"How do {' and '.join(dict.fromkeys(chosen))} work together in case {mark[:6]}?"
    if "response_format" in body:
        text = json.dumps(_filled(body["response_format"]["json_schema"]["schema"], text))
    return completion(text)


def _scored(tokens: list[int]) -> Answer:
    positions = [None, *({str(t): {"logprob": -1 - (31 * t + n) % 100 / 100}} for n, t in enumerate(tokens[1:]))]
    choice = {"index": 0, "text": "x", "finish_reason": "length", "logprobs": None, "prompt_logprobs": positions}
    return 200, {**completion()[1], "object": "text_completion", "choices": [choice]}


def _filled(schema: Mapping[str, Any], text: str) -> Any:
    """The simplest value of the schema, with `text` for every free string."""
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {name: _filled(field, text) for name, field in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [_filled(schema["items"], text)]
    return {"integer": 1, "number": 1.0, "boolean": True}.get(schema.get("type", "string"), text)


class Server:
    """Answers by `answers[path]`, one after the other, the last one for ever; remembers what it was sent.

    `faults` are the shares (0 to 1) of tries at POST requests that meet one of FAULTS. Whether a try does depends on
    the seed, the request, and how often that request came before, not on the order in which requests arrive. A reply
    takes `seconds`, half as long or half as long again, by the request too.
    """

    def __init__(
        self, faults: Mapping[str, float] | None = None, seed: int = 0, seconds: float = 0.0,
        **answers: list[Answer | Callable[[Body], Answer]],
    ) -> None:  # fmt: skip
        if unknown := set(faults or {}) - set(FAULTS):
            raise ValueError(f"no such faults: {unknown}")
        self.answers: dict[str, list[Answer | Callable[[Body], Answer]]] = {
            "models": [(200, {"object": "list", "data": []})],
            **answers,
        }
        self.seen: list[tuple[str, Body]] = []
        self.keys: set[str] = set()
        #: By digest of the request: whole, sound replies written to the socket; tries that met a fault, by its name.
        self.answered: Counter[str] = Counter()
        self.met: Counter[str] = Counter()
        self.url = ""
        self._faults = dict(faults or {})
        self._seed = seed
        self._seconds = seconds
        self._tries: Counter[str] = Counter()
        self._lock = threading.Lock()

    def calls(self, path: str) -> list[Body]:
        """Bodies of the requests to `path`."""
        return [body for at, body in self.seen if at == path]

    def record(self) -> dict[str, Any]:
        """What GET /record tells of a server in another process."""
        with self._lock:
            return {"seen": len(self.seen), "answered": dict(self.answered), "met": dict(self.met)}

    def count(self, body: Body, replies: int) -> None:
        """Keep count of a sound reply."""
        with self._lock:
            self.answered[digest(body)] += replies

    def reply(self, path: str, body: Body) -> tuple[Answer, bool]:
        """The answer, and whether it is a sound one to keep count of."""
        with self._lock:
            self.seen.append((path, body))
            fault = self._draw(body) if body else None
            rest = self.answers.get(path, [error(404, f"no {path}")])
            answer = rest.pop(0) if len(rest) > 1 and fault is None else rest[0]
        if fault is not None:
            return fault, False
        if body and self._seconds:
            time.sleep(self._seconds * (0.5 + int(digest(body)[:4], 16) / 0xFFFF))
        answer = answer(body) if callable(answer) else answer
        return answer, bool(body) and not isinstance(answer, str) and answer[0] == 200

    def _draw(self, body: Body) -> Answer | None:
        mark = digest(body)
        self._tries[mark] += 1
        luck = hashlib.sha256(f"{self._seed} {mark} {self._tries[mark]}".encode()).digest()
        chance = int.from_bytes(luck[:6]) / 2**48
        for name in FAULTS:
            chance -= self._faults.get(name, 0.0)
            if chance < 0:
                self.met[name] += 1
                return _fault(name, body, other=luck[6] % 2 == 1)
        return None


def _fault(name: str, body: Body, other: bool) -> Answer:
    """A fault by name; two of them come in two kinds."""
    if name == "429":
        return error(429, "slow down", Retry_After=RETRY_AFTER)
    if name == "500":
        return error(500, "out of order")
    if name == "malformed" and other:
        return completion('{"instruction": "half of an obj') if "response_format" in body else (200, {"no": "choices"})
    return {"hang": "hang", "malformed": "page", "cut": "drop" if other else "cut"}[name]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Http

    def do_GET(self) -> None:
        if self.path.endswith("/record"):
            self.send((200, self.server.model.record()))
        else:
            self.respond({})

    def do_POST(self) -> None:
        self.respond(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def respond(self, body: Body) -> None:
        model = self.server.model
        model.keys.add(self.headers.get("Authorization", ""))
        answer, sound = model.reply(self.path.rsplit("/", 1)[-1], body)
        if answer in ("hang", "drop"):
            if answer == "hang":
                self.connection.settimeout(LONGEST_HANG)
                self.connection.recv(1)  # returns when the client gives up
            self.close_connection = True
            return
        if not sound:
            self.send(answer)
            return
        model.count(body, 1)  # first, so that whoever has the reply finds it counted
        try:
            self.send(answer)
        except OSError:
            model.count(body, -1)
            raise

    def send(self, answer: Answer) -> None:
        status, content, *headers = (200, {}) if isinstance(answer, str) else answer
        payload = b"<html>not JSON</html>" if answer == "page" else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if answer == "page" else "application/json")
        self.send_header("Content-Length", str(len(payload) + (100 if answer == "cut" else 0)))
        for name, value in (headers[0] if headers else {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)
        self.wfile.flush()
        self.close_connection = self.close_connection or answer == "cut"

    def log_message(self, *_: Any) -> None:
        pass


class _Http(ThreadingHTTPServer):
    """A thread for each connection; going down, it takes its connections with it."""

    daemon_threads = True
    request_queue_size = 4096

    def __init__(self, port: int, model: Server) -> None:
        self.model = model
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, *_: Any) -> None:
        """A client went away; clients do."""

    def server_close(self) -> None:
        super().server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def serving(server: Server, port: int = 0) -> Iterator[Server]:
    """The server on a (free) port; `server.url` is its base URL."""
    http = _Http(port, server)
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    server.url = f"http://127.0.0.1:{http.server_port}/v1"
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()


def _rates(text: str) -> dict[str, float]:
    return {name: float(share) for name, share in (pair.split("=") for pair in text.split(",") if pair)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.llm.openai_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--faults", type=_rates, default={}, help="such as 429=0.1,hang=0.05")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0.0, help="how long a reply takes, about")
    parser.add_argument("--answer", default=f"{__package__}.openai_server:by_digest", help="module:function of a body")
    arguments = parser.parse_args()
    module, _, name = arguments.answer.partition(":")
    answer = getattr(importlib.import_module(module), name)
    model = Server(arguments.faults, arguments.seed, arguments.seconds, completions=[answer], tokenize=[answer])
    http = _Http(arguments.port, model)
    print(f"http://127.0.0.1:{http.server_port}/v1", flush=True)
    http.serve_forever()


if __name__ == "__main__":
    main()
