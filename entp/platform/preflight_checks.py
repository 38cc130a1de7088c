"""The checks of `entp preflight`: each judges objects of the cluster (plain JSON, None where there is none)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from entp.platform.needs import CustomResource, Keys, Placement, Right, quantity
from entp.platform.profiles import Toleration

Json = dict[str, Any]
Level = Literal["ok", "warning", "problem"]
APPLY = "apply the manifests: `kubectl apply -k manifests/overlays/...`"
KEEPS_PODS_AWAY = ("NoSchedule", "NoExecute")
POD_SECURITY = "pod-security.kubernetes.io/enforce"


@dataclass(frozen=True)
class Finding:
    """What was checked, how it stands, what was seen, and what to do about it."""

    name: str
    level: Level
    detail: str
    remedy: str = ""


def namespace(name: str, found: Json | None) -> Finding:
    title = f"namespace {name}"
    if found is None:
        return Finding(title, "problem", "does not exist", f"{APPLY}, or name another with --namespace")
    if found.get("status", {}).get("phase") == "Terminating":
        return Finding(title, "problem", "is being deleted", "wait until it is gone, then " + APPLY)
    level = found["metadata"].get("labels", {}).get(POD_SECURITY)
    if level == "restricted":
        return Finding(title, "ok", "Pod Security: restricted")
    remedy = f"kubectl label namespace {name} --overwrite {POD_SECURITY}=restricted"
    return Finding(title, "warning", f"Pod Security enforces {level or 'nothing'}, not restricted", remedy)


def custom_resource(wanted: CustomResource, found: Json | None) -> Finding:
    title = f"{wanted.plural}.{wanted.group}"
    remedy = f"install {wanted.brought_by}"
    if found is None and wanted.optional:
        return Finding(title, "ok", f"not installed; optional ({wanted.brought_by})")
    if found is None:
        return Finding(title, "problem", "not installed", remedy)
    versions = {version["name"]: version for version in found["spec"]["versions"] if version["served"]}
    if wanted.version not in versions:
        served = ", ".join(versions) or "nothing"
        level: Level = "warning" if wanted.optional else "problem"
        return Finding(title, level, f"serves {served}, not {wanted.version}", remedy)
    if wanted.field and wanted.field not in _spec_fields(versions[wanted.version]):
        return Finding(title, "problem", f"{wanted.version} is an older one, without spec.{wanted.field}", remedy)
    return Finding(title, "ok", f"serves {wanted.version}")


def _spec_fields(version: Json) -> Iterable[str]:
    fields: Json = version["schema"]["openAPIV3Schema"]["properties"]["spec"].get("properties", {})
    return fields


def nodes(wanted: Placement, found: Sequence[Json]) -> Finding:
    """Whether ready nodes could hold the pods, were they empty."""
    title = f"nodes for {wanted.work} ({wanted.pool})"
    labelled = [node for node in found if wanted.labels.items() <= node["metadata"].get("labels", {}).items()]
    if not labelled:
        label = " ".join(f"{key}={value}" for key, value in wanted.labels.items())
        remedy = f"kubectl label node NODE {label}" if label else "add nodes"
        return Finding(title, "problem", "there is none", f"{remedy}; a pool that scales from zero must have one once")
    ready = [node for node in labelled if _is_ready(node)]
    if not ready:
        return Finding(title, "problem", f"none of {len(labelled)} is ready", "kubectl describe node; kubectl uncordon")
    open_nodes = [node for node in ready if not _barriers(node, wanted.tolerations)]
    if not open_nodes:
        taint = _barriers(ready[0], wanted.tolerations)[0]
        shown = f"{taint['key']}={taint.get('value', '')}:{taint['effect']}"
        remedy = f"let `{wanted.work}` tolerate it in pipelines/profiles.yaml, or remove the taint"
        return Finding(title, "problem", f"the taint {shown} is not tolerated", remedy)
    if not any(_holds(wanted.requests, node) for node in open_nodes):
        return Finding(title, "problem", _lack(wanted.requests, open_nodes), _node_remedy(wanted))
    held = sum(_holds(wanted.requests, node) for node in open_nodes)
    asked = ", ".join(f"{resource} {amount}" for resource, amount in wanted.requests.items())
    detail = f"room for {held} pods of {asked} on {len(open_nodes)} of {len(labelled)} nodes"
    if held < wanted.pods:
        return Finding(title, "problem", f"{wanted.pods} pods at once, but {detail}", _node_remedy(wanted))
    return Finding(title, "ok", detail)


def _is_ready(node: Json) -> bool:
    conditions = {condition["type"]: condition["status"] for condition in node["status"].get("conditions", [])}
    return conditions.get("Ready") == "True" and not node["spec"].get("unschedulable")


def _barriers(node: Json, tolerations: Iterable[Toleration]) -> list[Json]:
    """The node's taints that keep the pod away."""
    taints = [taint for taint in node["spec"].get("taints", []) if taint["effect"] in KEEPS_PODS_AWAY]
    return [taint for taint in taints if not any(_tolerates(toleration, taint) for toleration in tolerations)]


def _tolerates(toleration: Toleration, taint: Json) -> bool:
    if (toleration.key, toleration.effect) != (taint["key"], taint["effect"]):
        return False
    return toleration.operator == "Exists" or (toleration.value or "") == taint.get("value", "")


def _holds(requests: Mapping[str, str], node: Json) -> int:
    """How many such pods."""
    return min(int(_allocatable(node, resource) // quantity(asked)) for resource, asked in requests.items())


def _allocatable(node: Json, resource: str) -> Decimal:
    return quantity(node["status"].get("allocatable", {}).get(resource, "0"))


def _lack(requests: Mapping[str, str], nodes: Sequence[Json]) -> str:
    for resource, asked in requests.items():
        most = max(nodes, key=lambda node: _allocatable(node, resource))
        if _allocatable(most, resource) < quantity(asked):
            had = most["status"].get("allocatable", {}).get(resource, "0")
            return f"{asked} of {resource} is asked for, the most that a node has is {had}"
    return "no single node has enough of everything that is asked for"


def _node_remedy(wanted: Placement) -> str:
    smaller = f"ask for less in pipelines/profiles.yaml ({wanted.work}), or add larger nodes"
    accelerators = [resource for resource in wanted.requests if "/" in resource]
    return f"{smaller}; is the device plugin for {accelerators[0]} running?" if accelerators else smaller


def quotas(largest: Mapping[str, Decimal], found: Sequence[Json]) -> list[Finding]:
    """Each quota against the largest step. Those that count only some pods (scopes) are left out."""
    if not found:
        return [Finding("quota", "ok", "none is set")]
    return [_quota(largest, quota) for quota in found if not _is_scoped(quota)]


def _is_scoped(quota: Json) -> bool:
    return bool(quota["spec"].get("scopes") or quota["spec"].get("scopeSelector"))


def _quota(largest: Mapping[str, Decimal], quota: Json) -> Finding:
    title = f"quota {quota['metadata']['name']}"
    status = quota.get("status", {})
    hard = status.get("hard") or quota["spec"].get("hard", {})
    wanting: list[tuple[bool, str]] = []
    for key, limit in hard.items():
        asked = largest.get(key.removeprefix("requests.").removeprefix("limits."))
        used = status.get("used", {}).get(key, "0")
        if asked and asked > quantity(limit) - quantity(used):
            wanting.append(
                (asked > quantity(limit), f"{key}: a step asks for {_shown(asked)}, {used} of {limit} is used")
            )
    if not wanting:
        return Finding(title, "ok", "leaves room for the largest step")
    detail = "; ".join(text for _, text in wanting)
    if any(never for never, _ in wanting):
        return Finding(title, "problem", detail, "raise it (manifests/base/quota.yaml, or the overlay's patch)")
    return Finding(title, "warning", detail, "steps wait until others end; raise the quota if they should not")


def _shown(amount: Decimal) -> str:
    gibibytes = amount / 2**30
    return f"{gibibytes.normalize():f}Gi" if gibibytes >= 1 else f"{amount.normalize():f}"


def claim(name: str, found: Json | None, storage_class: Json | None, shared: bool) -> Finding:
    title = f"volume claim {name}"
    if found is None:
        return Finding(title, "problem", "does not exist", APPLY)
    phase = found.get("status", {}).get("phase", "Pending")
    if phase == "Lost":
        return Finding(title, "problem", "its volume is lost", "restore it, or delete the claim and apply again")
    if phase == "Pending" and (storage_class or {}).get("volumeBindingMode") != "WaitForFirstConsumer":
        remedy = f"kubectl describe pvc {name}: is there a storage class, and does it provide these access modes?"
        return Finding(title, "problem", "is not bound", remedy)
    modes = found["spec"].get("accessModes", [])
    if shared and "ReadWriteMany" not in modes:
        remedy = "take a storage class with ReadWriteMany, or keep all pools on one node"
        return Finding(title, "warning", f"{', '.join(modes)}: only pods of one node can use it at a time", remedy)
    return Finding(title, "ok", "bound" if phase == "Bound" else "is made when the first pod needs it")


def keys(wanted: Keys, found: Json | None) -> Finding:
    """Looks at the names of keys alone."""
    title = f"{wanted.kind} {wanted.name}"
    if found is None and wanted.optional:
        return Finding(title, "ok", f"not there; optional ({', '.join(wanted.keys)})")
    missing = [key for key in wanted.keys if key not in ((found or {}).get("data") or {})]
    if not missing:
        return Finding(title, "ok", f"has {', '.join(wanted.keys)}")
    kind = "secret generic" if wanted.kind == "Secret" else "configmap"
    remedy = f"kubectl create {kind} {wanted.name} --from-env-file=FILE, with lines {', '.join(wanted.keys)}"
    if found is None:
        return Finding(title, "problem", "does not exist", remedy)
    return Finding(title, "problem", f"lacks {', '.join(missing)}", "delete it, and " + remedy)


def existing(kind: str, name: str, found: Json | None) -> Finding:
    if found is None:
        return Finding(f"{kind} {name}", "problem", "does not exist", APPLY)
    return Finding(f"{kind} {name}", "ok", "exists")


def queue(name: str, found: Json | None) -> Finding:
    """Kueue's LocalQueue; without one, jobs start at once."""
    title = f"LocalQueue {name}"
    if found is None:
        return Finding(title, "warning", "does not exist: TrainJobs with its label never start", APPLY + " (kueue)")
    conditions = found.get("status", {}).get("conditions", [])
    closed = [condition for condition in conditions if condition["type"] == "Active" and condition["status"] == "False"]
    if closed:
        return Finding(title, "problem", closed[0].get("message", "is not active"), "kubectl describe clusterqueue")
    return Finding(title, "ok", "exists")


def right(wanted: Right, denied: Sequence[str]) -> Finding:
    who = wanted.account or "you"
    resource = f"{wanted.resource}.{wanted.group}".rstrip(".")
    title = f"rights of {who} on {resource}"
    if not denied:
        return Finding(title, "ok", ", ".join(wanted.verbs))
    subject = f"--serviceaccount=NAMESPACE:{wanted.account}" if wanted.account else "--user=YOU"
    role = f"kubectl create role entp-{wanted.resource} --verb={','.join(wanted.verbs)} --resource={resource}"
    remedy = f"{APPLY}; or {role} and bind it with {subject}"
    return Finding(title, "problem", f"may not {', '.join(denied)}", remedy)
