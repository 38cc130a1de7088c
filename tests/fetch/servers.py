"""Servers on this machine: a hub as `huggingface_hub` speaks to one, with its file store on another host, and a web
server that can break off, forget ranges, or change what it serves."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

REVISION = "5f0c6d6e7b1f4a1d9c3e8a7b2d4f6a8c0e1b3d5f"
TOKEN = "hf_secret_of_the_tests"


@dataclass
class Web:
    """Files by path. `ranges` off: whole files only; `breaks`: times that a reply ends in the middle."""

    files: dict[str, bytes]
    ranges: bool = True
    breaks: int = 0
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""

    def reply(self, path: str, handler: BaseHTTPRequestHandler) -> None:
        content = self.files.get(path)
        if content is None:
            handler.send_error(404)
            return
        span = handler.headers.get("Range") if self.ranges else None
        start, stop = 0, len(content)
        if span:
            first, _, last = span.removeprefix("bytes=").partition("-")
            start, stop = int(first), min(len(content), int(last or len(content)) + 1)
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}")
        else:
            handler.send_response(200)
        handler.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()[:16]}"')
        handler.send_header("Accept-Ranges", "bytes" if self.ranges else "none")
        handler.send_header("Content-Length", str(stop - start))
        handler.end_headers()
        if handler.command == "HEAD":
            return
        if self.breaks and stop - start > 1:
            self.breaks -= 1
            handler.wfile.write(content[start : start + (stop - start) // 2])
            handler.close_connection = True
            return
        handler.wfile.write(content[start:stop])


@dataclass
class Hub:
    """One dataset. Its files lie on another host, to which `resolve` redirects; private ones want TOKEN."""

    name: str
    files: Mapping[str, bytes]
    store: Web
    configs: list[dict[str, Any]] = field(default_factory=list)
    private: bool = False
    created: list[dict[str, Any]] = field(default_factory=list)
    committed: dict[str, bytes] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def reply(self, path: str, handler: BaseHTTPRequestHandler) -> None:
        if self.private and handler.headers.get("Authorization") != f"Bearer {TOKEN}":
            handler.send_error(401)
            return
        api = f"/api/datasets/{self.name}"
        resolved = f"/datasets/{self.name}/resolve/{REVISION}/"
        if handler.command == "POST":
            self._write(path, handler)
        elif path in (api, f"{api}/revision/main", f"{api}/revision/{REVISION}"):
            _json(handler, self._info())
        elif path.startswith(f"{api}/revision/"):
            _json(handler, {"error": "Invalid rev id"}, 404, {"X-Error-Code": "RevisionNotFound"})
        elif path.startswith((f"{api}/tree/{REVISION}", f"{api}/paths-info/{REVISION}")):
            _json(handler, [_entry(name, content) for name, content in self.files.items()])
        elif path.endswith("/tree/main"):
            _json(handler, [_entry(name, content) for name, content in self.committed.items()])
        elif path.startswith(resolved):
            name = path.removeprefix(resolved)
            handler.send_response(302)
            handler.send_header("Location", f"{self.store.url}/{name}")
            handler.send_header("X-Repo-Commit", REVISION)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        else:
            _json(handler, {"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})

    def _write(self, path: str, handler: BaseHTTPRequestHandler) -> None:
        """What pushing asks for: the repository, how files go up, the commit."""
        told = self.bodies[-1]
        if path == "/api/repos/create":
            self.created.append(json.loads(told))
            kind = "datasets/" if self.created[-1].get("type") == "dataset" else ""
            _json(handler, {"url": f"{self.url}/{kind}{self.name}", "name": self.name})
        elif "/preupload/" in path:
            files = [{**file, "uploadMode": "regular", "shouldIgnore": False} for file in json.loads(told)["files"]]
            _json(handler, {"files": files})
        elif path == "/api/validate-yaml":
            _json(handler, {"errors": [], "warnings": []})
        else:
            operations = [json.loads(line) for line in told.splitlines()]
            for operation in operations:
                value = operation["value"]
                if operation["key"] == "file":
                    self.committed[value["path"]] = base64.b64decode(value["content"])
                elif operation["key"] == "deletedFile":
                    self.committed.pop(value["path"], None)
            _json(
                handler,
                {"success": True, "commitOid": REVISION, "commitUrl": f"{self.url}/{self.name}/commit/{REVISION}"},
            )

    def _info(self) -> dict[str, Any]:
        siblings = [{"rfilename": name, "size": len(content), "blobId": "0"} for name, content in self.files.items()]
        card = {"configs": self.configs} if self.configs else {}
        return {"id": self.name, "sha": REVISION, "private": self.private, "cardData": card, "siblings": siblings}


@dataclass
class GoogleStorage:
    """One bucket of Google Cloud Storage, by its JSON interface."""

    bucket: str
    files: Mapping[str, bytes]
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""

    def reply(self, path: str, handler: BaseHTTPRequestHandler) -> None:
        objects = f"/storage/v1/b/{self.bucket}/o"
        prefix = parse_qs(urlsplit(handler.path).query).get("prefix", [""])[0]
        name = path.removeprefix("/download").removeprefix(f"{objects}/")
        if path == objects:
            _json(handler, {"items": [self._entry(known) for known in self.files if known.startswith(prefix)]})
        elif name not in self.files:
            _json(handler, {"error": {"code": 404, "message": "Not Found"}}, 404)
        elif path.startswith("/download") or "alt=media" in handler.path:
            Web({path: self.files[name]}).reply(path, handler)
        else:
            _json(handler, self._entry(name))

    def _entry(self, name: str) -> dict[str, Any]:
        content = self.files[name]
        link = f"{self.url}/download/storage/v1/b/{self.bucket}/o/{quote(name, safe='')}?alt=media"
        told = {"kind": "storage#object", "name": name, "bucket": self.bucket, "mediaLink": link}
        return {**told, "size": str(len(content)), "etag": hashlib.sha256(content).hexdigest()[:8]}


@contextmanager
def serving(site: Web | Hub | GoogleStorage, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve it; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            site.asked.append((path, dict(self.headers)))
            if length := int(self.headers.get("Content-Length") or 0):
                site.bodies.append(self.rfile.read(length))
            site.reply(path, self)

        do_HEAD = do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://{host}:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield site.url
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def a_hub(files: Mapping[str, bytes], name: str = "someone/pool", **options: Any) -> Iterator[Hub]:
    """A hub and its file store, on two hosts."""
    store = Web({f"/{path}": content for path, content in files.items()})
    with serving(store, "localhost"):
        hub = Hub(name, files, store, **options)
        with serving(hub):
            yield hub


def _entry(name: str, content: bytes) -> dict[str, Any]:
    return {"type": "file", "path": name, "size": len(content), "oid": "0"}


def _json(
    handler: BaseHTTPRequestHandler, value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> None:
    content = json.dumps(value).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(content)))
    for name, told in (headers or {}).items():
        handler.send_header(name, told)
    handler.end_headers()
    handler.wfile.write(content)
