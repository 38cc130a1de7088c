"""The Kubernetes API: connecting, and requests that bear with a busy server. Answers are plain JSON, as documented.

Every request made here may safely be repeated: reads, reviews, merge patches, deletions by uid, and creations under a
fixed name (a repeated one is a 409).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exception, wait_random_exponential

from entp.errors import SetupError, one_line

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

Json = dict[str, Any]
SERVICE_ACCOUNT_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
#: Seconds to connect, and to wait for an answer.
REQUEST_TIMEOUT = (5.0, 30.0)
TRIES = 5
#: The longest pause before the second try (seconds), beside what the server asks for. It doubles with each try.
PAUSE = 1.0
#: The most seconds a server may ask for.
LONGEST_WAIT = 30.0
UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT, TOO_MANY_REQUESTS = 401, 403, 404, 409, 429


class KubernetesError(SetupError):
    """The API server refused a request, or gave no answer (`status` 0)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed later: a busy server, or none that answers."""
        return self.status in (0, TOO_MANY_REQUESTS) or self.status >= 500


def connect(context: str | None = None) -> ApiClient:
    """A client for the cluster: `context` of the kubeconfig; else the pod's own account; else the current context.

    Nothing is asked of the cluster yet. Raises SetupError, naming the context and the remedy.
    """
    try:
        from kubernetes.client import ApiClient, Configuration
        from kubernetes.config import ConfigException, load_incluster_config, load_kube_config
        from yaml import YAMLError
    except ImportError as error:
        raise SetupError("the kubernetes package is missing: install the extra `entp[cluster]`") from error
    configuration = Configuration()
    # urllib3's own retries know no pause, and turn a 429 into another exception.
    configuration.retries = False
    try:
        if context is None and in_cluster():
            load_incluster_config(client_configuration=configuration)
        else:
            config_file = os.environ.get("KUBECONFIG") or None
            load_kube_config(config_file=config_file, context=context, client_configuration=configuration)
    except (ConfigException, OSError, ValueError, TypeError, YAMLError) as error:
        named = f"the context {context!r}" if context else "the current context"
        raise SetupError(
            f"no connection to a cluster by {named} of the kubeconfig: {one_line(error).rstrip('.')}. See "
            "`kubectl config get-contexts`; name one with --context, or another file in the variable KUBECONFIG"
        ) from error
    return ApiClient(configuration)


def in_cluster() -> bool:
    """Whether this process runs in a pod that may speak to its cluster."""
    return bool(os.environ.get("KUBERNETES_SERVICE_HOST")) and SERVICE_ACCOUNT_TOKEN.is_file()


def get(client: ApiClient, path: str, **query: str) -> Json:
    """Read one object, or a list (`labelSelector` and the like in `query`). Raises KubernetesError."""
    return _request(client, "GET", path, query=list(query.items()))


def find(client: ApiClient, path: str) -> Json | None:
    """Read one object; None where there is none. Raises KubernetesError."""
    try:
        return get(client, path)
    except KubernetesError as error:
        if error.status != NOT_FOUND:
            raise
        return None


def create(client: ApiClient, path: str, body: Json) -> Json:
    """Create `body` in the collection at `path`. Raises KubernetesError, 409 where the name is taken."""
    return _request(client, "POST", path, body)


def patch(client: ApiClient, path: str, body: Json) -> Json:
    """Merge `body` into the object at `path`. Raises KubernetesError."""
    return _request(client, "PATCH", path, body, content_type="application/merge-patch+json")


def delete(client: ApiClient, path: str, uid: str) -> None:
    """Delete exactly the object with this `uid`, its dependents in the background. Raises KubernetesError."""
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
    _request(client, "DELETE", path, {**options, "propagationPolicy": "Background"})


def _request(
    client: ApiClient,
    method: str,
    path: str,
    body: Json | None = None,
    content_type: str = "application/json",
    query: list[tuple[str, str]] | None = None,
) -> Json:
    from kubernetes.client import ApiException
    from urllib3.exceptions import HTTPError

    tries = Retrying(
        retry=retry_if_exception(_passes),
        stop=stop_after_attempt(TRIES),
        wait=wait_exception(_asked_to_wait) + wait_random_exponential(PAUSE),
        reraise=True,
    )
    try:
        answer = tries(
            client.call_api,
            path,
            method,
            query_params=query or [],
            header_params={"Accept": "application/json", "Content-Type": content_type},
            body=body,
            response_type="object",
            auth_settings=["BearerToken"],
            _return_http_data_only=True,
            _request_timeout=REQUEST_TIMEOUT,
        )
    except (ApiException, HTTPError) as fault:
        raise _explained(client, method, path, fault) from fault
    return _object(client, answer)


def _object(client: ApiClient, answer: Any) -> Json:
    """The client hands on as text what isn't JSON, such as the page of a proxy that wants a login."""
    if not isinstance(answer, dict):
        host = client.configuration.host
        raise KubernetesError(
            0, f"{host} does not answer as Kubernetes does; is the context right, and no proxy between?"
        )
    return answer


def _passes(fault: BaseException) -> bool:
    """Whether it may go by itself. The client reports a bad certificate as status 0, which does not."""
    from urllib3.exceptions import HTTPError

    status = getattr(fault, "status", 0)
    return isinstance(fault, HTTPError) or status == TOO_MANY_REQUESTS or status >= 500


def _asked_to_wait(fault: BaseException) -> float:
    """Seconds by the header Retry-After; 0 without one."""
    asked = (getattr(fault, "headers", None) or {}).get("Retry-After", "")
    return min(float(asked), LONGEST_WAIT) if asked.isdigit() else 0.0


def _explained(client: ApiClient, method: str, path: str, fault: Any) -> KubernetesError:
    host = client.configuration.host
    status = getattr(fault, "status", None) or 0
    if status == 0:
        reason = one_line(getattr(fault, "reason", None) or fault)
        return KubernetesError(0, f"no answer from the cluster at {host} ({reason}); is it up, and the context right?")
    if status == UNAUTHORIZED:
        return KubernetesError(
            status,
            f"the cluster at {host} does not accept the credentials (401): log in again, or choose another context "
            "(`kubectl config get-contexts`); in a pod, the account's token must be mounted",
        )
    return KubernetesError(status, f"{method} {path}: {status}, {_message(fault)}")


def _message(fault: Any) -> str:
    """The `message` of the Status object; proxies answer otherwise."""
    try:
        return one_line(json.loads(fault.body)["message"])
    except (TypeError, ValueError, KeyError):
        return one_line(fault.reason)
