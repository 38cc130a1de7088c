"""A server that speaks the wire format of the Kubernetes API over real HTTP, with programmable faults.

Objects of any kind live at their paths, as the API names them. Errors are Status objects, lists carry a
resourceVersion, PATCH merges, deletion respects the uid it names. A TrainJob's conditions follow a script.
"""

from __future__ import annotations

import copy
import json
import re
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import yaml
from kubernetes.client import ApiClient

from entp.platform.kubernetes_api import connect

Json = dict[str, Any]
REASONS = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "AlreadyExists",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
}
REVIEWS = r"/apis/authorization\.k8s\.io/v1/(namespaces/[^/]+/local|self)subjectaccessreviews"


@dataclass
class Fault:
    """Disturbs the next `times` requests that match; a `late` one after the request has taken effect."""

    request: str
    status: int = 0
    times: int = 1
    late: bool = False
    drop: bool = False
    seconds: float = 0.0
    retry_after: int | None = None


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    body: Any


class Refused(Exception):  # noqa: N818  (an answer, not a fault)
    """An answer that is an error."""

    def __init__(self, status: int, message: str, reason: str | None = None) -> None:
        self.status = status
        self.message = message
        self.reason = reason or REASONS[status]


@dataclass
class KubernetesServer:
    """The state behind the interface.

    `script` is what each TrainJob that isn't suspended goes through, one step at each reading: a part of its status.
    `denied` holds the `account verb resource` that access reviews say no to; `self` is whoever asks. `absent` are API
    groups that nobody installed.
    """

    script: Sequence[Json] = ()
    token: str | None = None
    objects: dict[str, Json] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    url: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)
    _version: int = 100
    _steps: dict[str, int] = field(default_factory=dict)

    def fail(self, request: str, **how: Any) -> None:
        """Add a fault; `request` is a pattern such as `POST .*/trainjobs`."""
        self.faults.append(Fault(request, **how))

    def put(self, collection: str, thing: Json) -> Json:
        """Store an object in the collection at this path, as if somebody had created it."""
        with self.lock:
            metadata = {"uid": str(uuid.uuid4()), "creationTimestamp": _now(), **thing["metadata"]}
            stored = {**copy.deepcopy(thing), "metadata": metadata | {"resourceVersion": self._next_version()}}
            self.objects[f"{collection}/{metadata['name']}"] = stored
            return stored

    def calls(self, request: str) -> list[Request]:
        """What was asked, by a pattern such as `PATCH .*/trainjobs/.*`."""
        return [call for call in self.requests if re.fullmatch(request, f"{call.method} {call.path}")]

    def fault_for(self, request: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and re.fullmatch(fault.request, request):
                    fault.times -= 1
                    return fault
        return None

    def answer(self, call: Request, authorization: str | None) -> tuple[int, Json]:
        """The request's effect, its status and its answer. Raises Refused."""
        if self.token and authorization != f"Bearer {self.token}":
            raise Refused(401, "Unauthorized")
        if self.absent.intersection(call.path.split("/")[2:3]):
            raise Refused(404, "the server could not find the requested resource")
        with self.lock:
            if call.path == "/version":
                return 200, {"major": "1", "minor": "34", "gitVersion": "v1.34.2"}
            if call.method == "POST" and (review := re.fullmatch(REVIEWS, call.path)):
                return 201, self._reviewed(call.body, review[1])
            return getattr(self, f"_{call.method.lower()}")(call)

    def _get(self, call: Request) -> tuple[int, Json]:
        if call.path in self.objects:
            if "/trainjobs/" in call.path:
                self._play(call.path)
            return 200, self.objects[call.path]
        if _is_object(call.path):
            raise self._not_found(call.path)
        selector = dict(part.split("=") for part in call.query.get("labelSelector", "").split(",") if part)
        items = [
            thing
            for path, thing in self.objects.items()
            if path.rpartition("/")[0] == call.path and selector.items() <= thing["metadata"].get("labels", {}).items()
        ]
        return 200, {"kind": "List", "metadata": {"resourceVersion": str(self._version)}, "items": items}

    def _post(self, call: Request) -> tuple[int, Json]:
        name = call.body["metadata"]["name"]
        if f"{call.path}/{name}" in self.objects:
            raise Refused(409, f'{_plural(call.path)} "{name}" already exists')
        return 201, self.put(call.path, call.body)

    def _patch(self, call: Request) -> tuple[int, Json]:
        path = call.path.removesuffix("/status")
        if path not in self.objects:
            raise self._not_found(path)
        self.objects[path] = _merged(self.objects[path], call.body)
        self.objects[path]["metadata"]["resourceVersion"] = self._next_version()
        return 200, self.objects[path]

    def _delete(self, call: Request) -> tuple[int, Json]:
        found = self.objects.get(call.path)
        if found is None:
            raise self._not_found(call.path)
        wanted = ((call.body or {}).get("preconditions") or {}).get("uid")
        if wanted not in (None, found["metadata"]["uid"]):
            raise Refused(409, f"the UID in the precondition ({wanted}) does not match", "Conflict")
        del self.objects[call.path]
        return 200, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}

    def _play(self, path: str) -> None:
        """What the TrainJob controller would have done since the last reading."""
        job = self.objects[path]
        conditions = job.setdefault("status", {}).setdefault("conditions", [])
        suspended = bool(job["spec"].get("suspend"))
        was_suspended = any(known["type"] == "Suspended" for known in conditions)
        if suspended or was_suspended:
            reason = "Suspended" if suspended else "Resumed"
            _set_condition(conditions, condition("Suspended", str(suspended), reason, f"TrainJob is {reason.lower()}"))
        step = self._steps.get(job["metadata"]["uid"], 0)
        if not suspended and step < len(self.script):
            self._steps[job["metadata"]["uid"]] = step + 1
            for new in self.script[step].get("conditions", []):
                _set_condition(conditions, new)
            job["status"] |= {key: value for key, value in self.script[step].items() if key != "conditions"}

    def _reviewed(self, body: Json, kind: str) -> Json:
        asked = body["spec"]["resourceAttributes"]
        account = "self" if kind == "self" else body["spec"]["user"].rpartition(":")[2]
        denied = f"{account} {asked['verb']} {asked['resource']}" in self.denied
        return {**body, "status": {"allowed": not denied}}

    def _not_found(self, path: str) -> Refused:
        return Refused(404, f'{_plural(path.rpartition("/")[0])} "{path.rpartition("/")[2]}" not found')

    def _next_version(self) -> str:
        self._version += 1
        return str(self._version)


def condition(kind: str, status: str, reason: str, message: str) -> Json:
    """A condition as controllers write it."""
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": _now()}


def write_kubeconfig(path: Path, url: str, token: str = "a-token") -> Path:
    """A kubeconfig whose one context is `here`."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": url, "insecure-skip-tls-verify": True}}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "here",
    }
    path.write_text(yaml.safe_dump(config))
    return path


def client_of(kubeconfig: Path) -> ApiClient:
    """A connection as the commands make it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(kubeconfig))
        return connect("here")


def _set_condition(conditions: list[Json], new: Json) -> None:
    conditions[:] = [known for known in conditions if known["type"] != new["type"]] + [new]


def _merged(old: Any, new: Any) -> Any:
    """RFC 7396."""
    if not isinstance(new, dict):
        return new
    merged = dict(old) if isinstance(old, dict) else {}
    for key, value in new.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged


def _is_object(path: str) -> bool:
    """Whether a path names an object, not a collection."""
    parts = path.strip("/").split("/")[2 if path.startswith("/api/") else 3 :]
    return len(parts) in (2, 4)


def _plural(collection: str) -> str:
    group = collection.split("/")[2] if collection.startswith("/apis/") else ""
    return ".".join(part for part in (collection.rpartition("/")[2], group) if part)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def serving(server: KubernetesServer) -> Iterator[KubernetesServer]:
    """Serve it on a free local port, named by `server.url`."""

    class Handler(_Handler):
        kubernetes = server

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    kubernetes: KubernetesServer
    protocol_version = "HTTP/1.1"
    # Head and body leave together: apart, each answer waits 40 ms for an acknowledgement.
    wbufsize = -1

    def do_GET(self) -> None:
        self._respond()

    def do_POST(self) -> None:
        self._respond()

    def do_PATCH(self) -> None:
        self._respond()

    def do_DELETE(self) -> None:
        self._respond()

    def log_message(self, format: str, *args: Any) -> None:
        """Tests read the recorded requests instead."""

    def _respond(self) -> None:
        split = urlsplit(self.path)
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = {key: values[-1] for key, values in parse_qs(split.query).items()}
        call = Request(self.command, unquote(split.path), query, json.loads(content) if content else None)
        self.kubernetes.requests.append(call)
        fault = self.kubernetes.fault_for(f"{call.method} {call.path}")
        if fault:
            time.sleep(fault.seconds)
        if fault and not fault.late and self._disturb(fault):
            return
        try:
            if call.method == "PATCH" and self.headers["Content-Type"] != "application/merge-patch+json":
                raise Refused(422, "this server only merges")
            status, answer = self.kubernetes.answer(call, self.headers.get("Authorization"))
        except Refused as refused:
            status, answer = refused.status, _status(refused.status, refused.message, refused.reason)
        if fault and fault.late and self._disturb(fault):
            return
        self._send(status, answer)

    def _disturb(self, fault: Fault) -> bool:
        """Answer as the fault has it, if it does (one that is only slow does not)."""
        if fault.drop:
            self.close_connection = True
            return True
        if fault.status:
            self._send(fault.status, _status(fault.status, f"injected {fault.status}"), fault.retry_after)
        return bool(fault.status)

    def _send(self, status: int, answer: Json, retry_after: int | None = None) -> None:
        data = json.dumps(answer).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            if retry_after is not None:
                self.send_header("Retry-After", str(retry_after))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            self.close_connection = True


def _status(code: int, message: str, reason: str | None = None) -> Json:
    reason = reason or REASONS.get(code, "InternalError")
    head = {"kind": "Status", "apiVersion": "v1", "metadata": {}}
    return {**head, "status": "Failure", "message": message, "reason": reason, "code": code}
