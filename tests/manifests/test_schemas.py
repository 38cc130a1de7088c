"""The validators refuse what an API server refuses."""

import copy
from typing import Any

import pytest

from tests.manifests.schemas import KUBERNETES_VERSIONS, is_builtin, validate_builtin, validate_custom

Json = dict[str, Any]
TRAIN_JOB: Json = {
    "apiVersion": "trainer.kubeflow.org/v1alpha1",
    "kind": "TrainJob",
    "metadata": {"name": "job", "labels": {"kueue.x-k8s.io/queue-name": "entp"}},
    "spec": {
        "runtimeRef": {"kind": "TrainingRuntime", "name": "entp-torch"},
        "trainer": {"numNodes": 2, "env": [{"name": "A", "value": "1"}]},
        "runtimePatches": [{"manager": "entp", "trainingRuntimeSpec": {"template": {"spec": {"replicatedJobs": []}}}}],
    },
}


def changed(resource: Json, path: str, value: object) -> Json:
    """A copy with one field set, by its dotted path."""
    copied = copy.deepcopy(resource)
    *parents, last = path.split(".")
    part = copied
    for step in parents:
        part = part[int(step)] if isinstance(part, list) else part[step]
    part[last] = value
    return copied


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("spec.podSpecOverrides", [], "spec: Additional properties"),
        ("spec.trainer.numNodes", "two", "spec.trainer.numNodes: 'two' is not of type 'integer'"),
        ("spec.trainer.numNodes", -1, "spec.trainer.numNodes: -1 is less than the minimum"),
        ("spec.trainer.env", [{"value": "1"}], "spec.trainer.env\\[0\\]: 'name' is a required property"),
        ("spec.trainer.env", [{"name": "A"}, {"name": "A"}], "spec.trainer.env\\[1\\]: repeats"),
        ("spec.trainer.resourcesPerNode", {"limits": {"cpu": 1.5}}, "limits.cpu: 1.5 is not of type"),
        ("spec.trainer.resourcesPerNode", {"limits": {"cpu": "many"}}, "limits.cpu: 'many' does not match"),
        ("metadata.label", {}, "metadata: Additional properties"),
        ("apiVersion", "trainer.kubeflow.org/v1", "no served CRD has TrainJob in trainer.kubeflow.org/v1"),
    ],
)
def test_a_custom_resource_is_refused_at_its_fault(path: str, value: object, message: str):
    validate_custom(TRAIN_JOB)
    with pytest.raises(AssertionError, match=message):
        validate_custom(changed(TRAIN_JOB, path, value))


def test_quantities_may_be_numbers_or_text():
    validate_custom(changed(TRAIN_JOB, "spec.trainer.resourcesPerNode", {"limits": {"cpu": "500m", "memory": 1000}}))


def test_fields_stay_open_where_the_crd_says_so():
    version: Json = {
        "apiVersion": "pipelines.kubeflow.org/v2beta1",
        "kind": "PipelineVersion",
        "metadata": {"name": "a"},
        "spec": {"pipelineName": "a", "pipelineSpec": {"anything": {"goes": [1]}}},
    }
    validate_custom(version)
    with pytest.raises(AssertionError, match="spec: Additional properties"):
        validate_custom(changed(version, "spec.anything", {}))


def test_schemas_of_flux_come_with_the_tests(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("ENTP_TEST_CRDS", raising=False)
    source: Json = {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": "a"},
        "spec": {"interval": "1m", "url": "https://git.example.com/a.git"},
    }
    validate_custom(source)
    with pytest.raises(AssertionError, match=r"spec\.interval"):
        validate_custom(changed(source, "spec.interval", "1 minute"))


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
def test_a_built_in_kind_is_refused_at_its_fault(version: str):
    settings: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"A": "1"}}
    validate_builtin(settings, version)
    with pytest.raises(AssertionError, match=f"ConfigMap/a on {version}: data.A: 1 is not"):
        validate_builtin(changed(settings, "data.A", 1), version)
    with pytest.raises(AssertionError, match="Additional properties"):
        validate_builtin(changed(settings, "values", {}), version)
    with pytest.raises(AssertionError, match="find schema"):
        validate_builtin(changed(settings, "kind", "ConfigMop"), version)


def test_add_ons_are_not_built_in():
    assert is_builtin({"apiVersion": "networking.k8s.io/v1"})
    assert not is_builtin({"apiVersion": "kueue.x-k8s.io/v1beta2"})
    assert not is_builtin(TRAIN_JOB)
