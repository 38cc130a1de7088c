"""What a profile asks of a cluster, as plain data for `preflight.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from entp.platform.profiles import Work, load_profile


@dataclass(frozen=True)
class NodePool:
    """Nodes with these labels must hold a pod with these requests (Kubernetes quantities) and tolerations."""

    labels: Mapping[str, str]
    requests: Mapping[str, str]
    tolerations: tuple[Mapping[str, str], ...] = ()

    @property
    def name(self) -> str:
        return ", ".join(f"{key}={value}" for key, value in self.labels.items()) or "any node"


@dataclass(frozen=True)
class Claim:
    """A PersistentVolumeClaim, its least size, and an access mode it must offer."""

    name: str
    size: str
    access_mode: str


@dataclass(frozen=True)
class Keys:
    """A Secret or ConfigMap and the keys it must have."""

    name: str
    keys: tuple[str, ...]
    optional: bool = False


@dataclass(frozen=True)
class CustomResource:
    """A kind of custom resource, by its plural, at a version that must be served; `field` of its spec if it is new."""

    group: str
    version: str
    plural: str
    optional: bool = False
    field: str | None = None


@dataclass(frozen=True)
class Needs:
    """Everything a profile asks for; an account's rights are (verb, group, resource)."""

    namespace: str
    node_pools: tuple[NodePool, ...]
    largest: Mapping[str, str]
    claims: tuple[Claim, ...] = ()
    secrets: tuple[Keys, ...] = ()
    config_maps: tuple[Keys, ...] = ()
    service_accounts: tuple[str, ...] = ()
    custom_resources: tuple[CustomResource, ...] = ()
    runtime: str | None = None
    queue: str | None = None


CLAIM_NAMES = {"cache": "entp-cache", "models": "entp-models"}
CLAIM_SIZES = {"cache": "20Gi", "models": "20Gi"}
SECRETS = (
    Keys("entp-object-store", ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
    Keys("entp-llm", ("OPENAI_API_KEY",), optional=True),
)
CONFIG_MAPS = (Keys("entp-settings", ("MLFLOW_TRACKING_URI", "AWS_ENDPOINT_URL", "ENTP_KFP_HOST", "ENTP_DVC_REMOTE")),)
SERVICE_ACCOUNTS = ("entp-pipeline", "entp-retrain")
PIPELINES = CustomResource("pipelines.kubeflow.org", "v2beta1", "pipelines", optional=True)
TRAIN_JOBS = CustomResource("trainer.kubeflow.org", "v1alpha1", "trainjobs", field="runtimePatches")
LOCAL_QUEUES = CustomResource("kueue.x-k8s.io", "v1beta2", "localqueues", optional=True)


def needs_of(profile: str, namespace: str = "entp") -> Needs:
    """What the profile of this name (in pipelines/profiles.yaml) asks for. Raises UsageError for an unknown one."""
    works = list(load_profile(profile).work.values())
    on_gpus = any(work.gpus for work in works)
    pools = [_pool(work) for work in works]
    volumes = sorted({volume for work in works for volume in work.volumes})
    # Steps on CPU nodes and on GPU nodes use the volumes in turn: a GPU profile needs them on several nodes.
    access_mode = "ReadWriteMany" if on_gpus else "ReadWriteOnce"
    return Needs(
        namespace=namespace,
        node_pools=tuple(_merged(pools)),
        largest=_largest(pools),
        claims=tuple(Claim(CLAIM_NAMES[name], CLAIM_SIZES[name], access_mode) for name in volumes),
        secrets=SECRETS,
        config_maps=CONFIG_MAPS,
        service_accounts=SERVICE_ACCOUNTS,
        custom_resources=(PIPELINES, TRAIN_JOBS, LOCAL_QUEUES) if on_gpus else (PIPELINES,),
        runtime="entp-torch" if on_gpus else None,
        queue="entp" if on_gpus else None,
    )


def _pool(work: Work) -> NodePool:
    accelerator = {work.accelerator or "nvidia.com/gpu": str(work.gpus)} if work.gpus else {}
    tolerations = tuple(toleration.model_dump(exclude_none=True) for toleration in work.tolerations)
    return NodePool(work.node_selector, {"cpu": work.cpu, "memory": work.memory, **accelerator}, tolerations)


def _merged(pools: list[NodePool]) -> list[NodePool]:
    """One pool for each set of labels and tolerations, with the largest requests of those that share them."""
    kinds = {(pool.name, str(pool.tolerations)): pool for pool in pools}
    return [
        NodePool(
            pool.labels,
            _largest([other for other in pools if (other.name, str(other.tolerations)) == kind]),
            pool.tolerations,
        )
        for kind, pool in kinds.items()
    ]


def _largest(pools: list[NodePool]) -> dict[str, str]:
    """The largest request of each resource. One pod need not ask for all of them at once."""
    from kubernetes.utils import parse_quantity

    largest: dict[str, str] = {}
    for pool in pools:
        for resource, quantity in pool.requests.items():
            if resource not in largest or parse_quantity(quantity) > parse_quantity(largest[resource]):
                largest[resource] = quantity
    return largest
