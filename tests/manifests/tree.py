"""The resources that kustomize makes of `manifests/`, and the pod specs in them."""

import functools
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

MANIFESTS = Path(__file__).parents[2] / "manifests"
OVERLAYS = ("kind", "gpu", "gpu-spot")
#: What may be added to an overlay of the namespace `entp`.
OPTIONS = ("kueue", "mlflow", "object-store")
#: What may be added besides, or built and applied alone; the second of a pair needs the first.
GITOPS = (("argocd",), ("argocd", "argocd/native-pipelines"), ("flux",), ("flux", "flux/native-pipelines"))
Json = dict[str, Any]


SPELLINGS = {"kustomize": ["kustomize", "build"], "kubectl": ["kubectl", "kustomize"]}


def kustomize(folder: Path, program: str | None = None) -> list[Json]:
    """Build a kustomization. Skips the calling test where neither kustomize nor kubectl is installed."""
    program = program or next((name for name in SPELLINGS if shutil.which(name)), None)
    if program is None:
        pytest.skip("neither kustomize nor kubectl is installed")
    built = subprocess.run([*SPELLINGS[program], str(folder)], capture_output=True, text=True, timeout=60)
    assert built.returncode == 0, f"{folder}: {built.stderr}"
    assert not built.stderr, f"{folder}: {built.stderr}"
    return [resource for resource in yaml.safe_load_all(built.stdout) if resource]


@functools.cache
def build(folder: str, components: tuple[str, ...] = ()) -> list[Json]:
    """Build a folder of `manifests/` with components added, as a cluster's own kustomization would."""
    if not components:
        return kustomize(MANIFESTS / folder)
    with tempfile.TemporaryDirectory() as own:
        # kustomize takes relative paths only, and resolves links before it walks them.
        here = os.path.relpath(MANIFESTS, Path(own).resolve())
        kustomization = {
            "resources": [f"{here}/{folder}"],
            "components": [f"{here}/components/{component}" for component in components],
        }
        (Path(own) / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        return kustomize(Path(own))


def combinations() -> list[tuple[str, tuple[str, ...]]]:
    """Every build that the README offers: (folder, components added)."""
    added = [chosen for size in range(len(OPTIONS) + 1) for chosen in itertools.combinations(OPTIONS, size)]
    builds: list[tuple[str, tuple[str, ...]]] = [("base", ()), ("overlays/kind", ())]
    for overlay in ("overlays/gpu", "overlays/gpu-spot"):
        builds += [(overlay, chosen) for chosen in added]
        builds += [(overlay, (*OPTIONS, *gitops)) for gitops in GITOPS]
    return [*builds, ("components/argocd", ()), ("components/flux", ())]


def everything() -> list[Json]:
    """Every different resource of all builds."""
    different = {
        str(resource): resource for folder, components in combinations() for resource in build(folder, components)
    }
    return list(different.values())


def full() -> list[Json]:
    """The largest build: the GPU overlay with everything that can be added."""
    return build("overlays/gpu", OPTIONS)


def of_kind(resources: list[Json], *kinds: str) -> list[Json]:
    return [resource for resource in resources if resource["kind"] in kinds]


def named(resources: list[Json], kind: str, name: str) -> Json:
    """The one resource of this kind and name."""
    [found] = [resource for resource in of_kind(resources, kind) if resource["metadata"]["name"] == name]
    return found


def label(resource: Json) -> str:
    return f"{resource['kind']}/{resource['metadata']['name']}"


def pod_templates(part: Any) -> Iterator[Json]:
    """Every pod template in a resource, however deep: {"metadata": ..., "spec": {"containers": ...}}."""
    if isinstance(part, list):
        for entry in part:
            yield from pod_templates(entry)
    if not isinstance(part, dict):
        return
    spec = part.get("spec")
    if isinstance(spec, dict) and isinstance(spec.get("containers"), list):
        yield part
        return
    for below in part.values():
        yield from pod_templates(below)


def containers(pod_spec: Json) -> list[Json]:
    return [*pod_spec.get("initContainers", []), *pod_spec["containers"], *pod_spec.get("ephemeralContainers", [])]
