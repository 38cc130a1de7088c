"""`assert_restricted` accepts a pod that keeps every rule, and names the rule that another one breaks."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.manifests.pod_security import assert_restricted

Json = dict[str, Any]
POD: Json = {
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "main",
            "image": "registry.example.com:5000/entp/cpu:0.1.0",
            "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
        }
    ],
    "volumes": [{"name": "tmp", "emptyDir": {}}],
}


def container(pod: Json) -> Json:
    return pod["containers"][0]


def context(pod: Json) -> Json:
    return container(pod)["securityContext"]


def add_init_container(pod: Json) -> None:
    pod["initContainers"] = [{**copy.deepcopy(container(pod)), "name": "init"}]
    pod["initContainers"][0]["securityContext"]["privileged"] = True


BREAKS: dict[str, tuple[Callable[[Json], Any], str]] = {
    "a token": (lambda pod: pod.pop("automountServiceAccountToken"), "automountServiceAccountToken is not false"),
    "host network": (lambda pod: pod.update(hostNetwork=True), "hostNetwork is set"),
    "host processes": (lambda pod: pod.update(hostPID=True), "hostPID is set"),
    "a host path": (lambda pod: pod["volumes"].append({"name": "etc", "hostPath": {"path": "/etc"}}), "hostPath"),
    "sysctls": (lambda pod: pod["securityContext"].update(sysctls=[{"name": "a", "value": "b"}]), "sysctls is set"),
    "no seccomp": (lambda pod: pod["securityContext"].pop("seccompProfile"), "seccompProfile is None"),
    "seccomp off": (lambda pod: context(pod).update(seccompProfile={"type": "Unconfined"}), "is Unconfined"),
    "AppArmor off": (lambda pod: context(pod).update(appArmorProfile={"type": "Unconfined"}), "appArmorProfile"),
    "an SELinux role": (lambda pod: context(pod).update(seLinuxOptions={"role": "sysadm_r"}), "seLinuxOptions"),
    "a Windows host process": (
        lambda pod: pod["securityContext"].update(windowsOptions={"hostProcess": True}),
        "pod: hostProcess is set",
    ),
    "root allowed": (lambda pod: pod["securityContext"].pop("runAsNonRoot"), "runAsNonRoot is not true"),
    "a container that is root": (lambda pod: context(pod).update(runAsUser=0), "runAsUser is root"),
    "the image's user": (lambda pod: pod["securityContext"].pop("runAsUser"), "runAsUser is not a number"),
    "privileged": (lambda pod: context(pod).update(privileged=True), "container main: privileged is set"),
    "privileged init": (add_init_container, "container init: privileged is set"),
    "escalation": (lambda pod: context(pod).pop("allowPrivilegeEscalation"), "allowPrivilegeEscalation is not false"),
    "capabilities kept": (lambda pod: context(pod).pop("capabilities"), "capabilities are not all dropped"),
    "a capability": (lambda pod: context(pod)["capabilities"].update(add=["NET_ADMIN"]), "capabilities are added"),
    "proc unmasked": (lambda pod: context(pod).update(procMount="Unmasked"), "procMount is set"),
    "a writable root": (lambda pod: context(pod).pop("readOnlyRootFilesystem"), "readOnlyRootFilesystem is not true"),
    "a host port": (lambda pod: container(pod).update(ports=[{"containerPort": 1, "hostPort": 80}]), "hostPort is set"),
    "a probe of another host": (
        lambda pod: container(pod).update(livenessProbe={"httpGet": {"host": "10.0.0.1", "port": 80}}),
        "names a host",
    ),
    "no memory limit": (lambda pod: container(pod)["resources"]["limits"].pop("memory"), "no resources.limits.memory"),
    "no resources": (lambda pod: container(pod).pop("resources"), "no resources.requests.cpu"),
    "latest": (lambda pod: container(pod).update(image="docker.io/library/busybox:latest"), "has no version"),
    "no tag": (lambda pod: container(pod).update(image="registry.example.com:5000/entp"), "has no version"),
}


def test_a_pod_that_keeps_every_rule_passes():
    assert_restricted(POD)


def test_a_digest_is_as_good_as_a_version():
    pod = copy.deepcopy(POD)
    container(pod)["image"] = "registry.example.com/entp/cpu@sha256:" + "0" * 64
    assert_restricted(pod)


@pytest.mark.parametrize("case", BREAKS)
def test_a_broken_rule_is_named(case):
    pod = copy.deepcopy(POD)
    break_rule, message = BREAKS[case]
    break_rule(pod)
    with pytest.raises(AssertionError) as raised:
        assert_restricted(pod)
    assert message in str(raised.value)
