"""Every combination of overlay and components builds, and a cluster that checks strictly would take all of it."""

import shutil
from collections import Counter
from typing import Any

import pytest
import yaml

from tests.manifests import tree
from tests.manifests.pod_security import assert_restricted
from tests.manifests.schemas import KUBERNETES_VERSIONS, is_builtin, validate_builtin, validate_custom
from tests.pipelines.compiled import NATIVE_FILES, compiled_folder

CLUSTER_SCOPED = {"Namespace", "ClusterRole", "ClusterRoleBinding", "ResourceFlavor", "ClusterQueue"}


def compiled(name: str) -> list[Any]:
    text = (compiled_folder() / name).read_text()
    return list(yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


@pytest.mark.parametrize(("folder", "components"), tree.combinations())
def test_every_combination_builds_and_names_nothing_twice(folder: str, components: tuple[str, ...]):
    resources = tree.build(folder, components)
    names = Counter((part["kind"], part["metadata"].get("namespace"), part["metadata"]["name"]) for part in resources)
    assert resources
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
@pytest.mark.parametrize("overlay", tree.OVERLAYS)
def test_both_spellings_of_kustomize_build_the_same(overlay: str):
    if not shutil.which("kustomize"):
        pytest.skip("kustomize is not installed")
    folder = tree.MANIFESTS / "overlays" / overlay
    assert tree.kustomize(folder, "kubectl") == tree.kustomize(folder, "kustomize")


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
def test_every_built_in_kind_is_valid(version: str):
    resources = [resource for resource in tree.everything() if is_builtin(resource)]
    assert resources
    for resource in resources:
        validate_builtin(resource, version)


def test_every_custom_resource_is_valid():
    kinds = set()
    for resource in tree.everything():
        if not is_builtin(resource):
            validate_custom(resource)
            kinds.add(resource["kind"])
    queues = {"ResourceFlavor", "ClusterQueue", "LocalQueue"}
    gitops = {"AppProject", "Application", "GitRepository", "Kustomization"}
    assert kinds == {"TrainingRuntime", *queues, *gitops}


@pytest.mark.parametrize("name", NATIVE_FILES)
def test_every_compiled_pipeline_is_a_valid_resource(name: str):
    resources = compiled(name)
    assert [resource["kind"] for resource in resources] == ["Pipeline", "PipelineVersion"]
    for resource in resources:
        validate_custom(resource)


def test_every_pod_template_is_restricted():
    templates = [template for resource in tree.everything() for template in tree.pod_templates(resource)]
    owners = {tree.label(resource) for resource in tree.everything() if list(tree.pod_templates(resource))}
    assert owners == {
        *("Job/entp-volumes", "TrainingRuntime/entp-torch"),
        *("Deployment/mlflow", "StatefulSet/mlflow-db", "StatefulSet/object-store"),
    }
    for template in templates:
        assert_restricted(template["spec"])


def test_the_namespace_enforces_restricted_pod_security():
    labels = tree.named(tree.build("base"), "Namespace", "entp")["metadata"]["labels"]
    modes = {mode: labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "warn", "audit")}
    assert set(modes.values()) == {"restricted"}


@pytest.mark.parametrize(("overlay", "namespace"), [("gpu", "entp"), ("gpu-spot", "entp"), ("kind", "kubeflow")])
def test_everything_is_in_one_namespace(overlay: str, namespace: str):
    """Standalone Kubeflow Pipelines, as on a laptop, runs pipelines in its own namespace only."""
    components = () if overlay == "kind" else tree.OPTIONS
    resources = tree.build(f"overlays/{overlay}", components)
    inside = [resource for resource in resources if resource["kind"] not in CLUSTER_SCOPED]
    assert {resource["metadata"]["namespace"] for resource in inside} == {namespace}


@pytest.mark.parametrize("overlay", ["gpu", "gpu-spot"])
def test_a_train_job_runs_on_the_pool_of_its_overlay(overlay: str):
    """The same labels and tolerations as a pipeline's GPU steps have."""
    profiles = yaml.safe_load((tree.MANIFESTS.parent / "pipelines/profiles.yaml").read_text())["profiles"]
    step = profiles[overlay]["training"]
    [pod] = tree.pod_templates(tree.named(tree.build(f"overlays/{overlay}"), "TrainingRuntime", "entp-torch"))
    assert pod["spec"]["nodeSelector"] == step["node_selector"]
    assert pod["spec"]["tolerations"] == step["tolerations"]
    flavor = tree.named(tree.full(), "ResourceFlavor", f"entp-{overlay}")
    assert (flavor["spec"]["nodeLabels"], flavor["spec"]["tolerations"]) == (step["node_selector"], step["tolerations"])


def test_a_lost_node_restarts_a_train_job_and_is_not_counted():
    spec = tree.named(tree.full(), "TrainingRuntime", "entp-torch")["spec"]["template"]["spec"]
    [rule] = spec["failurePolicy"]["rules"]
    [job] = spec["replicatedJobs"]
    [pod_rule] = job["template"]["spec"]["podFailurePolicy"]["rules"]
    assert (rule["action"], rule["onJobFailureReasons"]) == ("RestartJobSetAndIgnoreMaxRestarts", ["PodFailurePolicy"])
    assert (pod_rule["action"], pod_rule["onPodConditions"][0]["type"]) == ("FailJob", "DisruptionTarget")


def test_argo_cd_may_apply_every_kind_that_it_is_given():
    project = tree.named(tree.build("components/argocd"), "AppProject", "entp")["spec"]
    allowed = {
        (entry["group"], entry["kind"])
        for scope in ("clusterResourceWhitelist", "namespaceResourceWhitelist")
        for entry in project[scope]
    }
    resources = [*tree.full(), *(resource for name in NATIVE_FILES for resource in compiled(name))]
    given = {(resource["apiVersion"].rpartition("/")[0], resource["kind"]) for resource in resources}
    assert given <= allowed


@pytest.mark.parametrize("component", ["argocd", "flux"])
def test_gitops_points_to_folders_that_exist(component: str):
    for resource in tree.build("overlays/gpu", (*tree.OPTIONS, component, f"{component}/native-pipelines")):
        spec = resource.get("spec", {})
        sources = spec.get("sources", []) if resource["kind"] == "Application" else [spec]
        for path in (source["path"] for source in sources if isinstance(source.get("path"), str)):
            # What CI writes, as in examples/gitops.
            written = path.removeprefix("./") in ("deploy/retrain", "deploy/pipelines/gpu/kubernetes")
            exists = (tree.MANIFESTS.parent / path).is_dir()
            assert exists or written, f"{tree.label(resource)}: no folder {path}"
