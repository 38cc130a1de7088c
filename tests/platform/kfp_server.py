"""A server that speaks the REST interface of Kubeflow Pipelines (v2beta1) over real HTTP, with programmable faults.

Shapes follow the API's own: snake_case fields, RFC 3339 times in whole seconds, gRPC-style errors, `error_message` from
the upload handler. Display names of runs may repeat; names of pipelines, versions and experiments may not.
"""

from __future__ import annotations

import email
import email.policy
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
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

Json = dict[str, Any]
PREFIX = "/apis/v2beta1"
CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 429: 8, 500: 13, 503: 14}
ENDED = {"SUCCEEDED", "FAILED", "CANCELED", "SKIPPED"}


@dataclass
class Fault:
    """Disturbs the next `times` requests that match; a `late` one after the request has taken effect."""

    request: str
    status: int = 0
    times: int = 1
    late: bool = False
    drop: bool = False
    seconds: float = 0.0
    body: str | None = None


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    body: Any
    authorization: str | None


class Refused(Exception):  # noqa: N818  (an answer, not a fault)
    """An answer that is an error."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message


@dataclass
class KfpServer:
    """The state behind the interface. `states` is what a new run goes through, one step at each reading of it."""

    states: Sequence[str] = ("SUCCEEDED",)
    token: str | None = None
    page_size: int = 100
    faults: list[Fault] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    experiments: list[Json] = field(default_factory=list)
    pipelines: list[Json] = field(default_factory=list)
    versions: list[Json] = field(default_factory=list)
    runs: list[Json] = field(default_factory=list)
    url: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def fail(self, request: str, **how: Any) -> None:
        """Add a fault; `request` is a pattern such as `POST .*/runs$`."""
        self.faults.append(Fault(request, **how))

    def add_run(self, name: str, state: str, **fields: Any) -> Json:
        """Put a run into the store, as if somebody had started it."""
        run = {"run_id": str(uuid.uuid4()), "display_name": name, "state": state, "created_at": _now(), **fields}
        self.runs.append(run)
        return run

    def live(self, name: str) -> list[Json]:
        """Runs of this name that have not been ended."""
        return [run for run in self.runs if run["display_name"] == name and run["state"] not in {"CANCELING", *ENDED}]

    def calls(self, request: str) -> list[Request]:
        """What was asked, by a pattern such as `POST .*:terminate`."""
        return [call for call in self.requests if re.fullmatch(request, f"{call.method} {call.path}")]

    def fault_for(self, request: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and re.fullmatch(fault.request, request):
                    fault.times -= 1
                    return fault
        return None

    def answer(self, call: Request) -> Json:
        """The request's effect and its answer. Raises Refused."""
        if self.token and call.authorization != f"Bearer {self.token}":
            raise Refused(401, "Unauthenticated: there is no user identity")
        for pattern, method, respond in ROUTES:
            match = re.fullmatch(PREFIX + pattern, call.path)
            if match and method == call.method:
                with self.lock:
                    return respond(self, call, *match.groups())
        raise Refused(404, "Not Found")


def _healthz(_server: KfpServer, _call: Request) -> Json:
    return {"multi_user": True, "pipeline_store": "database"}


def _list_experiments(server: KfpServer, call: Request) -> Json:
    return _page(server, call, "experiments", server.experiments)


def _create_experiment(server: KfpServer, call: Request) -> Json:
    _refuse_double(server.experiments, "display_name", call.body["display_name"])
    return _store(server.experiments, {"experiment_id": str(uuid.uuid4()), "storage_state": "AVAILABLE", **call.body})


def _list_pipelines(server: KfpServer, call: Request) -> Json:
    return _page(server, call, "pipelines", server.pipelines)


def _create_pipeline(server: KfpServer, call: Request) -> Json:
    _refuse_double(server.pipelines, "display_name", call.body["display_name"])
    return _store(server.pipelines, {"pipeline_id": str(uuid.uuid4()), **call.body})


def _list_versions(server: KfpServer, call: Request, pipeline_id: str) -> Json:
    versions = [version for version in server.versions if version["pipeline_id"] == pipeline_id]
    return _page(server, call, "pipeline_versions", versions)


def _upload_version(server: KfpServer, call: Request) -> Json:
    pipeline_id, name = call.query["pipelineid"], call.query["name"]
    if pipeline_id not in {pipeline["pipeline_id"] for pipeline in server.pipelines}:
        raise Refused(400, "Failed to create a pipeline version")
    _refuse_double([known for known in server.versions if known["pipeline_id"] == pipeline_id], "name", name)
    spec, *platform = yaml.safe_load_all(call.body["uploadfile"])
    content = {"pipeline_spec": spec, "platform_spec": platform[0]} if platform else spec
    described = {"name": name, "display_name": name, "description": call.query.get("description", "")}
    version_id = str(uuid.uuid4())
    version = {"pipeline_id": pipeline_id, "pipeline_version_id": version_id, **described, "pipeline_spec": content}
    return _store(server.versions, version)


def _list_runs(server: KfpServer, call: Request) -> Json:
    page = _page(server, call, "runs", server.runs)
    return {**page, "runs": [_public(run) for run in page["runs"]]} if "runs" in page else page


def _create_run(server: KfpServer, call: Request) -> Json:
    reference = call.body.get("pipeline_version_reference")
    if bool(reference) == ("pipeline_spec" in call.body):
        raise Refused(400, "A run has either a pipeline spec or a pipeline version")
    if reference and reference["pipeline_version_id"] not in {v["pipeline_version_id"] for v in server.versions}:
        raise Refused(404, "PipelineVersion not found")
    if call.body["experiment_id"] not in {known["experiment_id"] for known in server.experiments}:
        raise Refused(404, "Experiment not found")
    run = {"run_id": str(uuid.uuid4()), "state": "PENDING", "storage_state": "AVAILABLE", **call.body}
    return _public(_store(server.runs, {**run, "_next": list(server.states)}))


def _get_run(server: KfpServer, _call: Request, run_id: str) -> Json:
    run = _find_run(server, run_id)
    if run.get("_next"):
        run["state"] = run["_next"].pop(0)
    if run["state"] == "FAILED":
        run["error"] = {"code": 13, "message": "the step train failed"}
    return _public(run)


def _terminate(server: KfpServer, _call: Request, run_id: str) -> Json:
    run = _find_run(server, run_id)
    if run["state"] in ENDED:
        raise Refused(400, f"Failed to terminate the run {run_id}: it has finished")
    run["state"], run["_next"] = "CANCELING", ["CANCELED"]
    return {}


ROUTES = (
    (r"/healthz", "GET", _healthz),
    (r"/experiments", "GET", _list_experiments),
    (r"/experiments", "POST", _create_experiment),
    (r"/pipelines", "GET", _list_pipelines),
    (r"/pipelines", "POST", _create_pipeline),
    (r"/pipelines/upload_version", "POST", _upload_version),
    (r"/pipelines/([^/]+)/versions", "GET", _list_versions),
    (r"/runs", "GET", _list_runs),
    (r"/runs", "POST", _create_run),
    (r"/runs/([^/:]+)", "GET", _get_run),
    (r"/runs/([^/:]+):terminate", "POST", _terminate),
)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _store(things: list[Json], thing: Json) -> Json:
    things.append({"created_at": _now(), **thing})
    return things[-1]


def _public(run: Json) -> Json:
    return {key: value for key, value in run.items() if not key.startswith("_")}


def _find_run(server: KfpServer, run_id: str) -> Json:
    for run in server.runs:
        if run["run_id"] == run_id:
            return run
    raise Refused(404, f"Run {run_id} not found")


def _refuse_double(things: list[Json], key: str, name: str) -> None:
    if any(thing[key] == name for thing in things):
        raise Refused(409, f"Already exist error: The name {name} already exist. Please specify a new name.")


def _page(server: KfpServer, call: Request, key: str, things: list[Json]) -> Json:
    """One page, as protobuf writes it: empty fields are left out."""
    for predicate in json.loads(call.query.get("filter") or "{}").get("predicates", []):
        assert predicate["operation"] == "EQUALS"
        things = [thing for thing in things if thing[predicate["key"]] == predicate["string_value"]]
    if not things:
        return {}
    start = int(call.query.get("page_token") or 0)
    end = start + min(int(call.query.get("page_size") or 20), server.page_size)
    page: Json = {key: things[start:end], "total_size": len(things)}
    return {**page, "next_page_token": str(end)} if end < len(things) else page


@contextmanager
def serving(server: KfpServer) -> Iterator[KfpServer]:
    """Serve it on a free local port, named by `server.url`."""

    class Handler(_Handler):
        kfp = server

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
    kfp: KfpServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._respond()

    def do_POST(self) -> None:
        self._respond()

    def log_message(self, format: str, *args: Any) -> None:
        """Tests read the recorded requests instead."""

    def _respond(self) -> None:
        split = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = {key: values[-1] for key, values in parse_qs(split.query).items()}
        authorization = self.headers.get("Authorization")
        call = Request(self.command, split.path, query, self._parsed(body), authorization)
        self.kfp.requests.append(call)
        fault = self.kfp.fault_for(f"{self.command} {split.path}")
        if fault:
            time.sleep(fault.seconds)
        if fault and not fault.late and self._disturb(fault):
            return
        try:
            status, content = 200, self.kfp.answer(call)
        except Refused as refused:
            status, content = refused.status, self._error(refused.status, refused.message)
        if fault and fault.late and self._disturb(fault):
            return
        self._send(status, json.dumps(content))

    def _disturb(self, fault: Fault) -> bool:
        """Answer as the fault has it, if it does (one that is only slow does not)."""
        if fault.drop:
            self.close_connection = True
            return True
        if fault.status:
            content = fault.body or json.dumps(self._error(fault.status, "injected"))
            self._send(fault.status, content, "text/html" if fault.body else "application/json")
        return bool(fault.status)

    def _error(self, status: int, message: str) -> Json:
        if "/upload" in self.path:
            return {"error_message": message, "error_details": message}
        code = CODES.get(status, 2)
        detail = {"@type": "type.googleapis.com/google.rpc.Status", "code": code, "message": message}
        return {"error": message, "code": code, "message": message, "details": [detail]}

    def _parsed(self, body: bytes) -> Any:
        kind = self.headers.get("Content-Type", "")
        if not kind.startswith("multipart/"):
            return json.loads(body) if body else None
        message = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body, policy=email.policy.HTTP)
        parts = {part.get_param("name", header="content-disposition"): part for part in message.iter_parts()}
        return {name: part.get_content() for name, part in parts.items()}

    def _send(self, status: int, content: str, kind: str = "application/json") -> None:
        data = content.encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            self.close_connection = True
