"""`entp preflight`: what a profile asks for, against a cluster. Reads only; a check that can't be made is a warning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from entp.errors import EntpError
from entp.platform import preflight_checks as checks
from entp.platform.kubernetes_api import (
    FORBIDDEN,
    UNAUTHORIZED,
    Json,
    KubernetesError,
    create,
    find,
    get,
)
from entp.platform.needs import CustomResource, Keys, Needs, Right
from entp.platform.preflight_checks import Finding

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

REVIEWS = "/apis/authorization.k8s.io/v1"
#: Seconds that Kubeflow Pipelines and MLflow have to answer.
PATIENCE = 5.0
Check = Callable[[], Finding | list[Finding]]


def check_cluster(client: ApiClient, needs: Needs) -> list[Finding]:
    """Everything that the Kubernetes API tells. An unreachable cluster is one problem, and the only finding."""
    try:
        version = get(client, "/version")
    except KubernetesError as error:
        if error.status != FORBIDDEN:
            remedy = "log in, or name another --context" if error.status == UNAUTHORIZED else "is the cluster up?"
            return [Finding("cluster", "problem", str(error), remedy)]
        version = {}
    here = Finding("cluster", "ok", f"{client.configuration.host} {version.get('gitVersion', '')}".strip())
    space = _made(f"namespace {needs.namespace}", lambda: _namespace(client, needs.namespace))
    inside = [] if space[0].level == "problem" else _all_made(_in_namespace(client, needs))
    return [here, *space, *inside, *_all_made(_around(client, needs))]


def check_kfp(host: str | None, namespace: str) -> Finding:
    """Whether Kubeflow Pipelines answers to the token that `entp submit` would bring."""
    from entp.platform import kfp_api

    title = "Kubeflow Pipelines"
    if not host:
        return Finding(title, "warning", "not checked: no address", f"give --kfp-host, or set {kfp_api.HOST_VARIABLE}")
    try:
        kfp = kfp_api.connect(host, namespace)
        # kfp's own `get_kfp_healthz` waits 25 seconds for a server that is away, and logs a traceback for each try.
        healthz = kfp.client._healthz_api.healthz_service_get_healthz
        kfp_api.read(kfp, "reach Kubeflow Pipelines", healthz, patience=PATIENCE)
    except EntpError as error:
        return Finding(title, "problem", str(error), "kubectl -n kubeflow get pods -l app=ml-pipeline")
    return Finding(title, "ok", f"{kfp.host} is healthy")


def check_mlflow(uri: str | None) -> Finding:
    """Whether an MLflow server answers there."""
    from urllib3 import PoolManager, Timeout
    from urllib3.exceptions import HTTPError

    title = "MLflow"
    if not uri or not uri.startswith(("http://", "https://")):
        shown = f"{uri} is not a server" if uri else "no address"
        return Finding(title, "warning", f"not checked: {shown}", "give --mlflow-uri, or set MLFLOW_TRACKING_URI")
    address = _without_login(uri)
    try:
        answer = PoolManager(retries=False, timeout=Timeout(PATIENCE)).request("GET", f"{uri.rstrip('/')}/health")
    except (HTTPError, ValueError) as error:
        remedy = "kubectl get pods -l app.kubernetes.io/name=mlflow; from outside the cluster, port-forward it"
        return Finding(title, "problem", f"{address} does not answer ({type(error).__name__})", remedy)
    if answer.status == 200:
        return Finding(title, "ok", f"{address} is healthy")
    if answer.status in (UNAUTHORIZED, FORBIDDEN):
        return Finding(
            title, "warning", f"{address} asks for a login ({answer.status})", "try it with the mlflow client"
        )
    return Finding(title, "problem", f"{address}/health answers {answer.status}", "is it the address of MLflow?")


def _without_login(uri: str) -> str:
    """An address may hold a password."""
    from urllib3.util import parse_url

    return parse_url(uri)._replace(auth=None).url.rstrip("/")


def _in_namespace(client: ApiClient, needs: Needs) -> Iterator[tuple[str, Check]]:
    core = f"/api/v1/namespaces/{needs.namespace}"
    yield "quota", lambda: checks.quotas(needs.largest, get(client, f"{core}/resourcequotas")["items"])
    for name in needs.claims:
        yield f"volume claim {name}", partial(_claim, client, core, name, needs.shared)
    for wanted in needs.keys:
        yield f"{wanted.kind} {wanted.name}", partial(_keys, client, core, wanted)
    for name in needs.service_accounts:
        yield f"ServiceAccount {name}", partial(_existing, client, f"{core}/serviceaccounts/{name}", "ServiceAccount")
    for right in needs.rights:
        yield f"rights on {right.resource}", partial(_right, client, needs.namespace, right)
    if needs.runtime:
        path = f"/apis/trainer.kubeflow.org/v1alpha1/namespaces/{needs.namespace}/trainingruntimes/{needs.runtime}"
        yield f"TrainingRuntime {needs.runtime}", partial(_existing, client, path, "TrainingRuntime")


def _around(client: ApiClient, needs: Needs) -> Iterator[tuple[str, Check]]:
    for wanted in needs.custom_resources:
        yield f"{wanted.plural}.{wanted.group}", partial(_custom_resource, client, wanted, needs)
    yield "nodes", partial(_nodes, client, needs)


def _all_made(named: Iterable[tuple[str, Check]]) -> list[Finding]:
    return [finding for name, check in named for finding in _made(name, check)]


def _made(name: str, check: Check) -> list[Finding]:
    """The check's findings, or why it could not be made."""
    try:
        findings = check()
    except KubernetesError as error:
        why = "forbidden for this account" if error.status == FORBIDDEN else str(error)
        remedy = "run this with an account that may (manifests/base/rbac/preflight.yaml)"
        return [Finding(name, "warning", f"not checked: {why}", remedy if error.status == FORBIDDEN else "try again")]
    return findings if isinstance(findings, list) else [findings]


def _namespace(client: ApiClient, name: str) -> Finding:
    return checks.namespace(name, find(client, f"/api/v1/namespaces/{name}"))


def _claim(client: ApiClient, core: str, name: str, shared: bool) -> Finding:
    found = find(client, f"{core}/persistentvolumeclaims/{name}")
    pending = found is not None and found.get("status", {}).get("phase") == "Pending"
    return checks.claim(name, found, _storage_class(client, found) if found and pending else None, shared)


def _storage_class(client: ApiClient, claim: Json) -> Json | None:
    name = claim["spec"].get("storageClassName")
    return find(client, f"/apis/storage.k8s.io/v1/storageclasses/{name}") if name else None


def _keys(client: ApiClient, core: str, wanted: Keys) -> Finding:
    return checks.keys(wanted, find(client, f"{core}/{wanted.kind.lower()}s/{wanted.name}"))


def _existing(client: ApiClient, path: str, kind: str) -> Finding:
    return checks.existing(kind, path.rpartition("/")[2], find(client, path))


def _nodes(client: ApiClient, needs: Needs) -> list[Finding]:
    found = get(client, "/api/v1/nodes")["items"]
    return [checks.nodes(placement, found) for placement in needs.placements]


def _custom_resource(client: ApiClient, wanted: CustomResource, needs: Needs) -> list[Finding]:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    found = find(client, f"{path}/{wanted.plural}.{wanted.group}")
    finding = checks.custom_resource(wanted, found)
    if found is None or wanted.plural != "localqueues" or needs.queue is None or finding.level != "ok":
        return [finding]
    queue = f"/apis/{wanted.group}/{wanted.version}/namespaces/{needs.namespace}/localqueues/{needs.queue}"
    return [finding, *_made(f"LocalQueue {needs.queue}", lambda: checks.queue(needs.queue or "", find(client, queue)))]


def _right(client: ApiClient, namespace: str, right: Right) -> Finding:
    denied = [verb for verb in right.verbs if not _allowed(client, namespace, right, verb)]
    return checks.right(right, denied)


def _allowed(client: ApiClient, namespace: str, right: Right, verb: str) -> bool:
    """The cluster's word on one verb: a SelfSubjectAccessReview, or for an account one of its own."""
    attributes = {"namespace": namespace, "verb": verb, "group": right.group, "resource": right.resource}
    if right.account is None:
        return _review(client, f"{REVIEWS}/selfsubjectaccessreviews", "SelfSubjectAccessReview", attributes, {})
    path = f"{REVIEWS}/namespaces/{namespace}/localsubjectaccessreviews"
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
    who = {"user": f"system:serviceaccount:{namespace}:{right.account}", "groups": groups}
    return _review(client, path, "LocalSubjectAccessReview", attributes, who)


def _review(client: ApiClient, path: str, kind: str, attributes: Json, who: Json) -> bool:
    metadata = {"namespace": attributes["namespace"]} if who else {}
    spec = {"resourceAttributes": attributes, **who}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "metadata": metadata, "spec": spec}
    return bool(create(client, path, body)["status"]["allowed"])
