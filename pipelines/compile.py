"""Compile the pipelines: what `entp submit` sends, and Kubernetes-native resources for GitOps.

<profile>/<pipeline>.yaml is Kubeflow's IR, <profile>/kubernetes/<pipeline>.yaml a Pipeline and a PipelineVersion
resource.
"""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kfp import compiler
from kfp.compiler.compiler_utils import KubernetesManifestOptions
from kfp.dsl.base_component import BaseComponent

from entp.errors import UsageError
from entp.fast_yaml import dump_all, load_all
from entp.platform.profiles import load_profile, profile_names
from pipelines.compare import compare
from pipelines.data_only import data_only
from pipelines.purge_mix_sft import purge_mix_sft

NAMESPACE = "entp"
PIPELINES = {"purge_mix_sft": purge_mix_sft, "data_only": data_only, "compare": compare}
#: Argo CD applies a pipeline before its version, and both before a retraining.
WAVES = {"Pipeline": "0", "PipelineVersion": "1"}


def compile_all(
    folder: Path, images: Mapping[str, str] | None = None, profiles: Sequence[str] | None = None
) -> list[Path]:
    """Write every pipeline of these profiles (all by default) under `folder`.

    `images` replaces images by their short name. Raises UsageError for a profile that does not exist.
    """
    written = []
    for name in profiles or profile_names():
        profile = load_profile(name)
        profile = profile.model_copy(update={"images": {**profile.images, **(images or {})}})
        (folder / name / "kubernetes").mkdir(parents=True, exist_ok=True)
        for pipeline, build in PIPELINES.items():
            component = build(profile)
            package, native = folder / name / f"{pipeline}.yaml", folder / name / "kubernetes" / f"{pipeline}.yaml"
            text = _package(component)
            package.write_text(text)
            native.write_text(_native(component, hashlib.sha256(text.encode()).hexdigest()[:12]))
            written += [package, native]
    return written


def compile_one(pipeline: str, profile: str) -> str:
    """One pipeline for one profile, as Kubeflow's IR. Raises UsageError for names that do not exist."""
    if pipeline not in PIPELINES:
        raise UsageError(f"there is no pipeline {pipeline!r}; the pipelines are {', '.join(PIPELINES)}")
    return _package(PIPELINES[pipeline](load_profile(profile)))


def _package(component: BaseComponent) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "package.yaml"
        compiler.Compiler().compile(component, str(path))
        # The compiler's own order changes from run to run, and a version is named by its bytes.
        return dump_all(load_all(path.read_text()))


def _native(component: BaseComponent, content: str) -> str:
    """Pipeline and PipelineVersion resources. A version's spec is immutable, so its name holds the content's digest."""
    options = KubernetesManifestOptions(
        pipeline_name=component.name,
        pipeline_version_name=f"{component.name}-{content}",
        namespace=NAMESPACE,
        include_pipeline_manifest=True,
    )
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "native.yaml"
        compiler.Compiler().compile(
            component, str(path), kubernetes_manifest_format=True, kubernetes_manifest_options=options
        )
        resources: list[dict[str, Any]] = load_all(path.read_text())
    for resource in resources:
        annotations = resource["metadata"].setdefault("annotations", {})
        annotations["argocd.argoproj.io/sync-wave"] = WAVES[resource["kind"]]
        if resource["kind"] == "Pipeline":
            annotations["argocd.argoproj.io/sync-options"] = "Prune=false"  # deleting it would delete its versions
    return dump_all(resources)
