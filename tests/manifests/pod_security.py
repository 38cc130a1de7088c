"""The restricted Pod Security Standard, and the project's own stricter rules, for one pod spec."""

import re
from typing import Any

from tests.manifests.tree import containers

Json = dict[str, Any]
VOLUME_TYPES = {
    *("configMap", "csi", "downwardAPI", "emptyDir"),
    *("ephemeral", "persistentVolumeClaim", "projected", "secret"),
}
SECCOMP_TYPES = {"RuntimeDefault", "Localhost"}
PINNED = re.compile(r"(@sha256:[0-9a-f]{64}|:(?!latest\b)[A-Za-z0-9_][\w.-]*)$")


def assert_restricted(pod_spec: Json) -> None:
    """Raise AssertionError, naming the container and field, where the pod would be refused or breaks our rules."""
    _assert_pod(pod_spec)
    for container in containers(pod_spec):
        _assert_container(container, pod_spec.get("securityContext", {}))


def _assert_pod(pod_spec: Json) -> None:
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        assert not pod_spec.get(field), f"{field} is set"
    assert pod_spec.get("automountServiceAccountToken") is False, "automountServiceAccountToken is not false"
    context = pod_spec.get("securityContext", {})
    assert "sysctls" not in context, "securityContext.sysctls is set"
    _assert_common(context, "pod")
    for volume in pod_spec.get("volumes", []):
        kinds = set(volume) - {"name"}
        assert kinds <= VOLUME_TYPES, f"volume {volume['name']} is of type {', '.join(kinds)}"
        assert kinds, f"volume {volume['name']} has no type"


def _assert_container(container: Json, pod_context: Json) -> None:
    name = f"container {container['name']}"
    context = container.get("securityContext", {})
    effective = pod_context | context
    _assert_common(context, name)
    assert effective.get("runAsNonRoot") is True, f"{name}: runAsNonRoot is not true"
    user = effective.get("runAsUser")
    assert isinstance(user, int), f"{name}: runAsUser is not a number"
    assert user > 0, f"{name}: runAsUser is root"
    seccomp = effective.get("seccompProfile", {}).get("type")
    assert seccomp in SECCOMP_TYPES, f"{name}: seccompProfile is {seccomp}"
    assert context.get("allowPrivilegeEscalation") is False, f"{name}: allowPrivilegeEscalation is not false"
    assert not context.get("privileged"), f"{name}: privileged is set"
    assert context.get("procMount", "Default") == "Default", f"{name}: procMount is set"
    assert context.get("readOnlyRootFilesystem") is True, f"{name}: readOnlyRootFilesystem is not true"
    capabilities = context.get("capabilities", {})
    assert capabilities.get("drop") == ["ALL"], f"{name}: capabilities are not all dropped"
    assert not capabilities.get("add"), f"{name}: capabilities are added"
    _assert_network(container, name)
    _assert_resources(container, name)
    assert PINNED.search(container["image"]), f"{name}: image {container['image']} has no version"


def _assert_common(context: Json, name: str) -> None:
    """What neither a pod's nor a container's security context may hold."""
    assert not context.get("windowsOptions", {}).get("hostProcess"), f"{name}: hostProcess is set"
    assert context.get("appArmorProfile", {}).get("type") != "Unconfined", f"{name}: appArmorProfile is Unconfined"
    assert "seLinuxOptions" not in context, f"{name}: seLinuxOptions is set"


def _assert_network(container: Json, name: str) -> None:
    assert not any(port.get("hostPort") for port in container.get("ports", [])), f"{name}: hostPort is set"
    handlers = [container.get(probe, {}) for probe in ("startupProbe", "readinessProbe", "livenessProbe")]
    handlers += container.get("lifecycle", {}).values()
    for handler in handlers:
        for action in ("httpGet", "tcpSocket"):
            assert "host" not in handler.get(action, {}), f"{name}: a probe or hook names a host"


def _assert_resources(container: Json, name: str) -> None:
    resources = container.get("resources", {})
    for kind, resource in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
        assert resource in resources.get(kind, {}), f"{name}: no resources.{kind}.{resource}"
