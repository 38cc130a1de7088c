"""What a profile asks of a cluster, as plain data for `preflight.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from entp.platform.profiles import Profile, Toleration, Work


@dataclass(frozen=True)
class Placement:
    """One kind of work: nodes with these labels must hold `pods` at once, with these requests (quantities) each."""

    work: str
    labels: Mapping[str, str]
    requests: Mapping[str, str]
    tolerations: tuple[Toleration, ...] = ()
    pods: int = 1

    @property
    def pool(self) -> str:
        return ", ".join(f"{key}={value}" for key, value in self.labels.items()) or "any node"


@dataclass(frozen=True)
class Keys:
    """A Secret or ConfigMap and the keys it must have."""

    kind: str
    name: str
    keys: tuple[str, ...]
    optional: bool = False


@dataclass(frozen=True)
class CustomResource:
    """A kind of custom resource, by its plural, at a version that must be served; `field` of its spec if it is new."""

    group: str
    version: str
    plural: str
    brought_by: str
    optional: bool = False
    field: str | None = None


@dataclass(frozen=True)
class Right:
    """What an account must be allowed; without one, whoever asks."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    account: str | None = None


@dataclass(frozen=True)
class Needs:
    """Everything a profile asks for. `largest` is a step's largest request; `shared` volumes serve several nodes."""

    namespace: str
    placements: tuple[Placement, ...]
    largest: Mapping[str, Decimal]
    claims: tuple[str, ...]
    shared: bool
    keys: tuple[Keys, ...]
    service_accounts: tuple[str, ...]
    custom_resources: tuple[CustomResource, ...]
    rights: tuple[Right, ...]
    runtime: str | None = None
    queue: str | None = None


KEYS = (
    Keys("Secret", "entp-object-store", ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
    Keys("Secret", "entp-llm", ("OPENAI_API_KEY",), optional=True),
    Keys(
        "ConfigMap",
        "entp-settings",
        ("MLFLOW_TRACKING_URI", "AWS_ENDPOINT_URL", "ENTP_KFP_HOST", "ENTP_DVC_REMOTE"),
    ),
)
SERVICE_ACCOUNTS = ("entp-pipeline", "entp-retrain")
PIPELINES = CustomResource("pipelines.kubeflow.org", "v2beta1", "pipelines", "Kubeflow Pipelines", optional=True)
TRAIN_JOBS = CustomResource(
    "trainer.kubeflow.org", "v1alpha1", "trainjobs", "Kubeflow Trainer 2.2 or newer", field="runtimePatches"
)
LOCAL_QUEUES = CustomResource("kueue.x-k8s.io", "v1beta2", "localqueues", "Kueue", optional=True)
#: What Kubeflow Pipelines asks the cluster about whoever submits.
SUBMITTING = (
    Right("pipelines.kubeflow.org", "runs", ("create", "get", "list", "terminate")),
    Right("pipelines.kubeflow.org", "experiments", ("create", "get", "list")),
    Right("pipelines.kubeflow.org", "pipelines", ("create", "get", "list")),
    Right("pipelines.kubeflow.org", "pipelineversions", ("create", "get", "list")),
)
LAUNCHING = (
    Right("trainer.kubeflow.org", "trainjobs", ("create", "get", "patch", "delete"), account="entp-pipeline"),
    Right("", "pods", ("list",), account="entp-pipeline"),
)


def needs_of(profile: Profile, namespace: str = "entp") -> Needs:
    """What `profile` asks for; with GPUs, also what multi-node training does."""
    works = profile.work.values()
    on_gpus = any(work.gpus for work in works)
    placements = tuple(_placements(profile))
    volumes = sorted({volume for work in works for volume in work.volumes})
    return Needs(
        namespace=namespace,
        placements=placements,
        largest=_largest(placements),
        claims=tuple(f"entp-{volume}" for volume in volumes),
        shared=on_gpus,
        keys=KEYS,
        service_accounts=SERVICE_ACCOUNTS,
        custom_resources=(PIPELINES, TRAIN_JOBS, LOCAL_QUEUES) if on_gpus else (PIPELINES,),
        rights=(*SUBMITTING, *LAUNCHING) if on_gpus else SUBMITTING,
        runtime="entp-torch" if on_gpus else None,
        queue="entp" if on_gpus else None,
    )


def requests_of(work: Work) -> dict[str, str]:
    """Requests of a pod of this work, which are its limits too."""
    accelerators = {work.accelerator or "nvidia.com/gpu": str(work.gpus)} if work.gpus else {}
    return {"cpu": work.cpu, "memory": work.memory, **accelerators}


def quantity(text: str) -> Decimal:
    """A Kubernetes quantity ("500m", "16Gi") as a number."""
    from kubernetes.utils import parse_quantity

    number: Decimal = parse_quantity(text)
    return number


def _placements(profile: Profile) -> Iterator[Placement]:
    """One for each kind of work that some step is."""
    for name in dict.fromkeys(profile.steps.values()):
        work = profile.work[name]
        yield Placement(name, work.node_selector, requests_of(work), tuple(work.tolerations), work.nodes)


def _largest(placements: tuple[Placement, ...]) -> dict[str, Decimal]:
    """The largest request of each resource, of all pods of a step. No step need ask for all of them at once."""
    largest: dict[str, Decimal] = {}
    for placement in placements:
        for resource, asked in placement.requests.items():
            largest[resource] = max(largest.get(resource, Decimal(0)), placement.pods * quantity(asked))
    return largest
