"""What pods and pipelines refer to exists, and Secrets are only ever referred to."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.manifests import tree
from tests.pipelines.compiled import IR_FILES, compiled_folder

Json = dict[str, Any]
#: A row of the README's table: | `name` | `KEY`, `KEY` | ... |
ROW = re.compile(r"^\| `([\w-]+)` \| ((?:`\w+`(?:, )?)+) \|", re.MULTILINE)


def documented_secrets() -> dict[str, set[str]]:
    """The Secrets that the README asks for, with their keys."""
    text = (tree.MANIFESTS / "README.md").read_text().partition("## Secrets")[2].partition("\n## ")[0]
    return {name: set(re.findall(r"`(\w+)`", keys)) for name, keys in ROW.findall(text)}


def keys_used(part: Any, reference: str) -> Iterator[tuple[str, str]]:
    """(name, key) of every `secretKeyRef` or `configMapKeyRef` below."""
    if isinstance(part, list):
        for entry in part:
            yield from keys_used(entry, reference)
    if isinstance(part, dict):
        for name, below in part.items():
            if name == reference:
                yield below["name"], below["key"]
            else:
                yield from keys_used(below, reference)


def executors(name: str) -> list[Json]:
    """What each step of a compiled pipeline asks of Kubernetes."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = (compiled_folder() / name).read_text()
    [platform] = [part for part in yaml.load_all(text, Loader=loader) if "platforms" in part]
    return list(platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values())


def settings(resources: list[Json]) -> dict[str, set[str]]:
    return {part["metadata"]["name"]: set(part["data"]) for part in tree.of_kind(resources, "ConfigMap")}


@pytest.mark.parametrize(
    ("folder", "components"), [("overlays/kind", ()), ("overlays/gpu", tree.OPTIONS), ("overlays/gpu-spot", ())]
)
def test_what_pods_refer_to_exists(folder: str, components: tuple[str, ...]):
    resources = tree.build(folder, components)
    accounts = {part["metadata"]["name"] for part in tree.of_kind(resources, "ServiceAccount")}
    claims = {part["metadata"]["name"] for part in tree.of_kind(resources, "PersistentVolumeClaim")}
    for resource in resources:
        for template in tree.pod_templates(resource):
            pod = template["spec"]
            assert pod["serviceAccountName"] in accounts
            volumes = {volume["name"]: volume for volume in pod["volumes"]}
            asked = {volume["persistentVolumeClaim"]["claimName"] for volume in volumes.values() if claimed(volume)}
            assert asked <= claims, tree.label(resource)
            own = {claim["metadata"]["name"] for claim in resource["spec"].get("volumeClaimTemplates", [])}
            for container in tree.containers(pod):
                mounted = {mount["name"] for mount in container["volumeMounts"]}
                assert mounted <= {*volumes, *own}, f"{tree.label(resource)}: {container['name']}"
        for name, key in keys_used(resource, "secretKeyRef"):
            assert key in documented_secrets()[name], tree.label(resource)
        for name, key in keys_used(resource, "configMapKeyRef"):
            assert key in settings(resources)[name], tree.label(resource)


def claimed(volume: Json) -> bool:
    return "persistentVolumeClaim" in volume


@pytest.mark.parametrize("name", IR_FILES)
def test_what_a_pipeline_refers_to_exists(name: str):
    resources = tree.build("base")
    claims = {part["metadata"]["name"] for part in tree.of_kind(resources, "PersistentVolumeClaim")}
    steps = executors(name)
    assert steps
    for step in steps:
        assert {mount["constant"] for mount in step.get("pvcMount", [])} <= claims
        for entry in step.get("configMapAsEnv", []):
            assert {key["configMapKey"] for key in entry["keyToEnv"]} <= settings(resources)[entry["configMapName"]]
        for entry in step.get("secretAsEnv", []):
            assert {key["secretKey"] for key in entry["keyToEnv"]} <= documented_secrets()[entry["secretName"]]


def test_every_documented_secret_is_used():
    pods = {name for name, _ in keys_used(tree.full(), "secretKeyRef")}
    steps = {entry["secretName"] for name in IR_FILES for step in executors(name) for entry in step["secretAsEnv"]}
    assert set(documented_secrets()) == pods | steps


def test_no_secret_is_in_the_tree():
    """Neither as a resource nor by a generator."""
    assert tree.of_kind(tree.everything(), "Secret") == []
    for path in tree.MANIFESTS.rglob("*.yaml"):
        for document in yaml.safe_load_all(path.read_text()):
            entries = document if isinstance(document, list) else [document]
            for entry in entries:
                assert entry.get("kind") != "Secret", path
                assert "secretGenerator" not in entry, path


def test_every_service_picks_pods_that_listen_on_its_port():
    resources = tree.full()
    templates = [template for resource in resources for template in tree.pod_templates(resource)]
    for service in tree.of_kind(resources, "Service"):
        selector = service["spec"]["selector"].items()
        picked = [template["spec"] for template in templates if selector <= template["metadata"]["labels"].items()]
        assert len(picked) == 1, tree.label(service)
        ports = {port["name"] for container in tree.containers(picked[0]) for port in container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports, tree.label(service)


def test_settings_name_services_that_exist():
    """A short host name in `entp-settings` is a Service of the same namespace."""
    services = {part["metadata"]["name"] for part in tree.of_kind(tree.full(), "Service")}
    values = tree.named(tree.full(), "ConfigMap", "entp-settings")["data"].values()
    short = {host for value in values for host in re.findall(r"^http://([\w-]+):", value)}
    assert short == {"mlflow", "object-store"}
    assert short <= services
