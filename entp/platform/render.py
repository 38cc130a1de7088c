"""The GitOps form of retraining: a kustomize directory with one Job, named by the key of what it trains.

Argo CD, Flux and `kubectl apply -k` all apply it. While nothing changes, the Job exists and applying it again does
nothing; when dvc.lock or the parameters change, so do the key and the name, and a new Job runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from entp.errors import UsageError
from entp.platform import package, retrain
from entp.platform.kfp_api import HOST_VARIABLE
from entp.platform.package import Package
from entp.platform.retrain import Request

INPUTS = "entp-retrain-inputs"
MOUNT = "/inputs"
TOKEN_FOLDER = "/var/run/secrets/kubeflow/pipelines"
USER = 10001
#: A run waits for a GPU at times; then for the training itself.
DEADLINE_SECONDS = 7 * 24 * 3600
#: Exit codes of `entp retrain` that no other try would change: usage, run failed, run canceled.
FINAL_EXIT_CODES = [2, 3, 5]
LABELS = {"app.kubernetes.io/name": "entp", "app.kubernetes.io/component": "retrain"}
#: A sidecar would keep the Job's pod from ending.
NO_SIDECAR = {"sidecar.istio.io/inject": "false"}
Json = dict[str, Any]


def job_image(unpinned: Package, images: Mapping[str, str]) -> str:
    """The image the Job itself runs in: the pipeline's `.../cpu` image, or its only one, pinned.

    Raises UsageError if neither tells.
    """
    names = unpinned.images
    chosen = [image for image in names if package.short_name(image) == "cpu"] or names
    if len(chosen) != 1:
        raise UsageError(f"which image should the Job run in? None of {', '.join(names)} is named cpu")
    return package.replacements(unpinned, images).get(chosen[0], chosen[0])


def render(directory: Path, request: Request, image: str, namespace: str, options: Sequence[str]) -> bool:
    """Write the directory and tell whether anything in it changed. The same request gives the same bytes.

    `options` are further arguments of the Job's `entp retrain`. Raises UsageError if the directory cannot be written.
    """
    contents = {
        "dvc.lock": request.dvc_lock,
        "params.yaml": request.params,
        "pipeline.yaml": package.as_yaml(request.package).encode(),
        "retrain-job.yaml": _as_yaml(job(request, image, namespace, options)),
        "kustomization.yaml": _as_yaml(_kustomization(namespace)),
    }
    changed = False
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for file, content in contents.items():
            path = directory / file
            if path.is_file() and path.read_bytes() == content:
                continue
            path.write_bytes(content)
            changed = True
    except OSError as error:
        raise UsageError(f"{directory}: cannot write the manifests there: {error}") from error
    return changed


def job(request: Request, image: str, namespace: str, options: Sequence[str]) -> Json:
    """The Job as a Kubernetes resource."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": retrain.name(request),
            "namespace": namespace,
            "labels": dict(LABELS),
            "annotations": {
                "argocd.argoproj.io/sync-wave": "10",
                "entp/commit": request.commit,
                "entp/key": retrain.key(request),
            },
        },
        "spec": {
            "backoffLimit": 6,
            "activeDeadlineSeconds": DEADLINE_SECONDS,
            "podFailurePolicy": {
                "rules": [
                    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                    {"action": "FailJob", "onExitCodes": {"operator": "In", "values": FINAL_EXIT_CODES}},
                ]
            },
            "template": {
                "metadata": {"labels": {**LABELS, **NO_SIDECAR}},
                "spec": _pod(request, image, namespace, options),
            },
        },
    }


def _pod(request: Request, image: str, namespace: str, options: Sequence[str]) -> Json:
    inputs = ["--package", f"{MOUNT}/pipeline.yaml", "--params", f"{MOUNT}/params.yaml"]
    inputs += ["--dvc-lock", f"{MOUNT}/dvc.lock", "--namespace", namespace]
    token = {"audience": "pipelines.kubeflow.org", "expirationSeconds": 7200, "path": "token"}
    container = {
        "name": "retrain",
        "image": image,
        "command": ["entp", "retrain"],
        "args": ["--wait", "--commit", request.commit, *inputs, *options, *request.overrides],
        "env": [
            {
                "name": HOST_VARIABLE,
                "valueFrom": {"configMapKeyRef": {"name": "entp-settings", "key": HOST_VARIABLE}},
            },
            {"name": "KF_PIPELINES_SA_TOKEN_PATH", "value": f"{TOKEN_FOLDER}/token"},
            {"name": "HOME", "value": "/tmp"},
        ],
        "resources": {
            "requests": {"cpu": "100m", "memory": "256Mi", "ephemeral-storage": "64Mi"},
            "limits": {"cpu": "1", "memory": "512Mi", "ephemeral-storage": "256Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            {"name": "inputs", "mountPath": MOUNT, "readOnly": True},
            {"name": "kfp-token", "mountPath": TOKEN_FOLDER, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},
        ],
    }
    return {
        "serviceAccountName": "entp-retrain",
        "automountServiceAccountToken": False,
        "restartPolicy": "Never",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": 0,
            "fsGroup": 0,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "inputs", "configMap": {"name": INPUTS}},
            {"name": "kfp-token", "projected": {"sources": [{"serviceAccountToken": token}]}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "128Mi"}},
        ],
    }


def _kustomization(namespace: str) -> Json:
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": namespace,
        "resources": ["retrain-job.yaml"],
        "configMapGenerator": [{"name": INPUTS, "files": ["dvc.lock", "params.yaml", "pipeline.yaml"]}],
    }


def _as_yaml(resource: Json) -> bytes:
    head = b"# Written by `entp retrain --render`: render it again rather than edit it.\n"
    return head + yaml.safe_dump(resource, sort_keys=False, width=120).encode()
