"""The Kubeflow Pipelines API: connecting, and calls that bear with a busy server without ever acting twice."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from entp.errors import SetupError, UsageError

HOST_VARIABLE = "ENTP_KFP_HOST"
TOKEN_VARIABLE = "KFP_TOKEN"
#: How long, in seconds, a call is tried again while the server is busy or away.
PATIENCE = 20.0
#: Seconds to connect, and to wait for an answer.
REQUEST_TIMEOUT = (5.0, 30.0)
#: Seconds before another try: random, so that many clients spread out, and up to twice as many each time.
PAUSE = wait_random_exponential(multiplier=1.0, max=8.0)
PAGE = 100
PASSING = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}


@dataclass(frozen=True)
class Kfp:
    """A connection. `client` is a kfp.Client, whose generated services (runs, pipelines, ...) are its attributes."""

    client: Any
    host: str
    namespace: str
    identity: str


def connect(host: str | None, namespace: str) -> Kfp:
    """Prepare a connection; nothing is asked yet.

    The address is `host`, else ENTP_KFP_HOST. The token is the pod's projected one, read anew for each request; else
    that in KFP_TOKEN; else there is none. Raises UsageError without an address, SetupError without the kfp package.
    """
    address = (host or os.environ.get(HOST_VARIABLE, "")).rstrip("/")
    if not address.startswith(("http://", "https://")):
        shown = f"{address}: not an http address" if address else "no address of Kubeflow Pipelines"
        example = "http://ml-pipeline.kubeflow.svc.cluster.local:8888 in the cluster"
        raise UsageError(f"{shown}: give --host or set {HOST_VARIABLE}, such as {example}")
    try:
        import kfp
    except ImportError as error:
        raise SetupError("the kfp package is missing: install the extra `entp[cluster]`") from error
    credentials, token, identity = _credentials()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Every call names its namespace. Here any name but `kubeflow` keeps the constructor from asking the server.
        client = kfp.Client(host=address, namespace="entp", credentials=credentials, existing_token=token)
    # urllib3 would follow the redirect to a login page, and try again on its own, with no pause.
    client.runs.api_client.rest_client.pool_manager.connection_pool_kw["retries"] = False
    return Kfp(client, address, namespace, identity)


def _credentials() -> tuple[Any, str | None, str]:
    """kfp's credentials or a token, and where they come from (for messages)."""
    from kfp.client import KF_PIPELINES_SA_TOKEN_ENV, KF_PIPELINES_SA_TOKEN_PATH, ServiceAccountTokenVolumeCredentials

    named = os.environ.get(KF_PIPELINES_SA_TOKEN_ENV)
    path = named or KF_PIPELINES_SA_TOKEN_PATH
    if Path(path).is_file():
        return ServiceAccountTokenVolumeCredentials(path), None, f"the service account token in {path}"
    if named:
        raise SetupError(f"{path}: no service account token there, though {KF_PIPELINES_SA_TOKEN_ENV} names it")
    if token := os.environ.get(TOKEN_VARIABLE):
        return None, token, f"the token in {TOKEN_VARIABLE}"
    return None, None, "no token"


def read(kfp: Kfp, what: str, call: Callable[..., Any], patience: float | None = None, **arguments: Any) -> Any:
    """Ask, and ask again for `patience` seconds while the server is busy or away.

    `what` completes "could not ..." in the SetupError of a lasting failure.
    """
    seconds = PATIENCE if patience is None else patience
    return _patiently(kfp, what, lambda: _call(kfp, what, call, arguments), _passes, seconds)


def write(kfp: Kfp, what: str, call: Callable[..., Any], find: Callable[[], Any], **arguments: Any) -> Any:
    """Change something once. After a failure, `find` looks whether the thing exists before another try.

    A lost answer to a change that was made, and a 409, both end in what `find` returns; whether it is one's own is
    for the caller to see. `what` is as in `read`. Raises SetupError.
    """

    def change() -> Any:
        try:
            return _call(kfp, what, call, arguments)
        except _faults() as fault:
            if not _may_be_done(fault) or (found := find()) is None:
                raise
            return found

    return _patiently(kfp, what, change, _may_be_done, PATIENCE)


def find_or_create(
    kfp: Kfp,
    kind: str,
    name: str,
    listed: Callable[..., Any],
    among: dict[str, str],
    create: Callable[..., Any],
    /,
    **new: Any,
) -> Any:
    """The thing of this kind and name that KFP lists among others, or what is created. Raises SetupError."""

    def find() -> Any:
        field = f"{kind.replace(' ', '_')}s"
        return next(pages(kfp, f"list {kind}s", listed, field, filter=named(name), **among), None)

    return find() or write(kfp, f"create the {kind} {name}", create, find, **new)


def pages(kfp: Kfp, what: str, call: Callable[..., Any], field: str, **arguments: Any) -> Iterator[Any]:
    """All items of a listing, page after page. `what` is as in `read`. Raises SetupError."""
    token = ""
    while True:
        page = read(kfp, what, call, page_token=token, page_size=PAGE, **arguments)
        yield from getattr(page, field) or ()
        token = page.next_page_token
        if not token:
            return


def named(name: str) -> str:
    """KFP's filter for things with exactly this display name."""
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "string_value": name}]})


def _call(kfp: Kfp, what: str, call: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    result = call(_request_timeout=REQUEST_TIMEOUT, **arguments)
    kind = kfp.client.runs.api_client.last_response.getheader("content-type") or "nothing"
    if "json" in kind:
        return result
    # Kubeflow's dashboard answers any path with its page and 200.
    raise SetupError(f"could not {what}: {kfp.host} answers with {kind}. {ADDRESS_REMEDY}")


def _faults() -> tuple[type[Exception], ...]:
    from kfp_server_api import ApiException
    from urllib3.exceptions import HTTPError

    return ApiException, HTTPError


def _patiently(
    kfp: Kfp, what: str, ask: Callable[[], Any], again: Callable[[BaseException], bool], patience: float
) -> Any:
    """What `ask` gets, at a try of `patience` seconds at the latest, after faults for which it is tried `again`."""

    def pause(state: RetryCallState) -> float:
        return min(PAUSE(state), max(0.0, patience - (state.seconds_since_start or 0.0)))

    try:
        return Retrying(retry=retry_if_exception(again), stop=stop_after_delay(patience), wait=pause, reraise=True)(ask)
    except _faults() as fault:
        raise _explained(kfp, what, fault) from fault


def _passes(fault: BaseException) -> bool:
    """Whether the fault may go by itself: a busy server, or none that answers (kfp reports a bad certificate as 0)."""
    from urllib3.exceptions import HTTPError

    return isinstance(fault, HTTPError) or getattr(fault, "status", None) in PASSING


def _may_be_done(fault: BaseException) -> bool:
    """Whether the change may have been made all the same, by this request or another."""
    return _passes(fault) or getattr(fault, "status", None) == HTTPStatus.CONFLICT


ADDRESS_REMEDY = (
    "Is it the address of the Kubeflow Pipelines API? Kubeflow's gateway has it under /pipeline; from outside the "
    "cluster, `kubectl -n kubeflow port-forward svc/ml-pipeline 8888:8888` serves it at http://localhost:8888"
)


def _explained(kfp: Kfp, what: str, fault: Any) -> SetupError:
    status = getattr(fault, "status", None)
    if not status:
        reason = _without_token(kfp, str(getattr(fault, "reason", None) or fault))
        return SetupError(f"could not {what}: {kfp.host} does not answer ({reason}). {ADDRESS_REMEDY}")
    head = f"could not {what}: {kfp.host} answered {status}"
    if status == HTTPStatus.UNAUTHORIZED or 300 <= status < 400:
        return SetupError(
            f"{head}: it does not accept {kfp.identity}. In a pod, project a service account token with the audience "
            f"pipelines.kubeflow.org; elsewhere put a valid token into {TOKEN_VARIABLE}"
        )
    message = _without_token(kfp, _message(fault))
    if status == HTTPStatus.FORBIDDEN:
        return SetupError(
            f"{head}: {kfp.identity} may not do this in namespace {kfp.namespace} ({message}). Bind it to a Role on "
            "runs, experiments and pipelines of pipelines.kubeflow.org, or name another --namespace"
        )
    if status == HTTPStatus.NOT_FOUND:
        return SetupError(f"{head} ({message}). {ADDRESS_REMEDY}")
    return SetupError(f"{head}: {message}")


def _message(fault: Any) -> str:
    """What the server says: both its gateway and its upload handler write JSON, proxies do not."""
    try:
        body = json.loads(fault.body)
        text = body.get("message") or body.get("error_message") or body.get("error")
    except (TypeError, ValueError, AttributeError):
        text = None
    return str(text or fault.reason)[:500]


def _without_token(kfp: Kfp, text: str) -> str:
    """Some proxies repeat the request they refuse."""
    token = kfp.client.runs.api_client.configuration.api_key.get("authorization")
    return text.replace(token, "***") if token else text
