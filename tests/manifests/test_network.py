"""Who may reach whom, in the GPU overlay with everything added."""

import pytest

from tests.manifests import tree
from tests.manifests.network import Pod, matches, may_reach

# Pods that others make: Argo labels a run's pods, `entp retrain --render` its Job's, Kubeflow its own.
STEP = Pod("entp", {"workflows.argoproj.io/workflow": "run-abc", "pipeline/runid": "1"})
RETRAIN = Pod("entp", {"app.kubernetes.io/name": "entp", "app.kubernetes.io/component": "retrain"})
KFP_API = Pod("kubeflow", {"app": "ml-pipeline"})
METADATA = Pod("kubeflow", {"component": "metadata-grpc-server"})
MINIO = Pod("kubeflow", {"app": "minio"})
SEAWEEDFS = Pod("kubeflow", {"app": "seaweedfs"})
DNS = Pod("kube-system", {"k8s-app": "kube-dns"})
STRANGER = Pod("entp", {"app": "stranger"})
ELSEWHERE = Pod("default", {"workflows.argoproj.io/workflow": "run-abc"})
FROM_OTHERS = (STEP, RETRAIN, KFP_API, METADATA, MINIO, SEAWEEDFS, DNS)

TRAINING = Pod("entp", {"app.kubernetes.io/name": "entp", "app.kubernetes.io/component": "training"})
MLFLOW = Pod("entp", {"app.kubernetes.io/name": "mlflow"})
MLFLOW_DB = Pod("entp", {"app.kubernetes.io/name": "mlflow-db"})
OBJECT_STORE = Pod("entp", {"app.kubernetes.io/name": "object-store"})
API_SERVER = "10.96.0.1"
INTERNET = "198.51.100.7"
CLOUD_METADATA = "169.254.169.254"

NEEDED = [
    *((STEP, target, port) for target, port in ((KFP_API, 8888), (KFP_API, 8887), (METADATA, 8080), (MLFLOW, 5000))),
    *((STEP, target, port) for target, port in ((MINIO, 9000), (SEAWEEDFS, 8333), (OBJECT_STORE, 8333))),
    *((STEP, API_SERVER, port) for port in (443, 6443)),
    *((TRAINING, target, port) for target, port in ((TRAINING, 29400), (TRAINING, 51234), (MLFLOW, 5000))),
    *((TRAINING, target, port) for target, port in ((MINIO, 9000), (SEAWEEDFS, 8333), (OBJECT_STORE, 8333))),
    *((RETRAIN, target, port) for target, port in ((KFP_API, 8888), (MLFLOW, 5000), (API_SERVER, 443))),
    *((MLFLOW, target, port) for target, port in ((MLFLOW_DB, 5432), (MINIO, 9000), (OBJECT_STORE, 8333))),
    (KFP_API, MLFLOW, 5000),
]
NOT_NEEDED = [
    *((STEP, target, port) for target, port in ((MLFLOW_DB, 5432), (TRAINING, 29400), (STEP, 8080), (KFP_API, 22))),
    *((TRAINING, target, port) for target, port in ((API_SERVER, 443), (KFP_API, 8888), (MLFLOW_DB, 5432))),
    *((RETRAIN, target, port) for target, port in ((MINIO, 9000), (MLFLOW_DB, 5432))),
    *((source, INTERNET, 443) for source in (RETRAIN, MLFLOW, MLFLOW_DB, OBJECT_STORE)),
    *((source, CLOUD_METADATA, 80) for source in (STEP, TRAINING, MLFLOW)),
    *((STRANGER, target, port) for target, port in ((MLFLOW, 5000), (OBJECT_STORE, 8333), (KFP_API, 8888))),
    *((ELSEWHERE, target, port) for target, port in ((MLFLOW, 5000), (MLFLOW_DB, 5432), (OBJECT_STORE, 8333))),
]


def policies(*components: str) -> list[tree.Json]:
    return tree.of_kind(tree.build("overlays/gpu", components), "NetworkPolicy")


def test_every_needed_connection_is_let_through():
    everything = policies(*tree.OPTIONS)
    blocked = [way for way in NEEDED if not may_reach(everything, *way)]
    assert blocked == []


def test_no_other_connection_is_let_through():
    everything = policies(*tree.OPTIONS)
    open_ways = [way for way in NOT_NEEDED if may_reach(everything, *way)]
    assert open_ways == []


@pytest.mark.parametrize("pod", [STEP, RETRAIN, TRAINING, MLFLOW, MLFLOW_DB, OBJECT_STORE])
def test_every_pod_may_resolve_names(pod: Pod):
    assert may_reach(policies(*tree.OPTIONS), pod, DNS, 53, "UDP")


@pytest.mark.parametrize("pod", [STEP, TRAINING])
def test_model_hubs_are_reached_by_https_alone(pod: Pod):
    assert may_reach(policies(), pod, INTERNET, 443)
    assert not may_reach(policies(), pod, INTERNET, 80)


@pytest.mark.parametrize("pod", [STEP, TRAINING])
def test_without_the_policy_for_model_hubs_nothing_outside_is_reached(pod: Pod):
    closed = [policy for policy in policies() if not policy["metadata"]["name"].startswith("model-hubs")]
    assert not may_reach(closed, pod, INTERNET, 443)


def test_every_selector_of_a_policy_matches_a_pod():
    resources = tree.full()
    pods = [
        Pod(resource["metadata"].get("namespace", ""), template["metadata"]["labels"])
        for resource in resources
        for template in tree.pod_templates(resource)
    ]
    pods += FROM_OTHERS
    for policy in tree.of_kind(resources, "NetworkPolicy"):
        namespace = policy["metadata"]["namespace"]
        selectors = [(policy["spec"]["podSelector"], {"kubernetes.io/metadata.name": namespace})]
        rules = policy["spec"].get("ingress", []) + policy["spec"].get("egress", [])
        for peer in (peer for rule in rules for peer in rule.get("from", []) + rule.get("to", [])):
            if "podSelector" in peer:
                inside = peer.get("namespaceSelector", {}).get("matchLabels")
                selectors.append((peer["podSelector"], inside or {"kubernetes.io/metadata.name": namespace}))
        for selector, where in selectors:
            found = [pod for pod in pods if matches(selector, pod.labels) and list(where.values()) == [pod.namespace]]
            assert found, f"{policy['metadata']['name']}: {selector} in {where} matches no pod"


def test_on_a_laptop_nothing_cuts_the_pods_of_kubeflow_off():
    """There the namespace is Kubeflow's own, and a policy of ours would select its pods too."""
    assert tree.of_kind(tree.build("overlays/kind"), "NetworkPolicy", "ResourceQuota", "LimitRange") == []
