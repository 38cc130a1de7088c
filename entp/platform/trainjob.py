"""Multi-node fine-tuning as a Kubeflow Trainer TrainJob, whose name is its identity: launched twice, it runs once."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from entp.errors import EntpError, SetupError, UsageError
from entp.platform.kubernetes_api import (
    CONFLICT,
    FORBIDDEN,
    NOT_FOUND,
    Json,
    KubernetesError,
    create,
    delete,
    find,
    get,
    patch,
)
from entp.platform.needs import requests_of
from entp.platform.profiles import Work
from entp.records import digest_of

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

API_VERSION = "trainer.kubeflow.org/v1alpha1"
RUNTIME = "entp-torch"
#: The runtime's replicated job that trains.
NODE_JOB = "node"
PATCHES_OF = "entp/launcher"
SPEC_DIGEST = "entp/spec-digest"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
WORKLOADS = "/apis/kueue.x-k8s.io/v1beta2/namespaces"
#: Seconds between two looks at a job: at first, and at most.
SOONEST, LATEST = 1.0, 30.0
#: Seconds that the API server may be away (its upgrade, say) while a job runs, and that a deletion may take.
OUTAGE = 900.0
DELETION = 120.0
SHOWN_PODS = 3
Say = Callable[[str], None]


class TrainJobFailedError(EntpError):
    """The training itself failed."""

    exit_code = 3


@dataclass(frozen=True)
class Training:
    """What to train: `digest` identifies it (the stage's identity); `work` is the profile's, for each of the nodes.

    Without `command`, the runtime's (torchrun, then `entp`) gets `args`. `env` is no place for secrets.
    """

    digest: str
    args: tuple[str, ...]
    image: str
    work: Work
    nodes: int = 1
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    queue: str | None = None
    namespace: str = "entp"


def name_of(digest: str) -> str:
    return f"entp-train-{digest[:12]}"


def workspace_of(digest: str) -> str:
    """A folder of its own on the claim entp-cache, which the runtime mounts at /cache on every node."""
    return f"/cache/trainjobs/{digest[:12]}"


def manifest(training: Training) -> Json:
    """The TrainJob. Raises UsageError for less than one node."""
    if training.nodes < 1:
        raise UsageError(f"{training.nodes} nodes: expected 1 or more")
    spec = _spec(training)
    labels = {"app.kubernetes.io/name": "entp", **({QUEUE_LABEL: training.queue} if training.queue else {})}
    metadata = {
        "name": name_of(training.digest),
        "namespace": training.namespace,
        "labels": labels,
        "annotations": {SPEC_DIGEST: digest_of(spec)},
    }
    return {"apiVersion": API_VERSION, "kind": "TrainJob", "metadata": metadata, "spec": {**spec, "suspend": False}}


def _spec(training: Training) -> Json:
    resources = requests_of(training.work)
    env = {"ENTP_WORKSPACE": workspace_of(training.digest), **training.env}
    trainer: Json = {
        "image": training.image,
        "args": list(training.args),
        "env": [{"name": name, "value": value} for name, value in sorted(env.items())],
        "numNodes": training.nodes,
        "numProcPerNode": max(1, training.work.gpus),
        "resourcesPerNode": {"requests": resources, "limits": resources},
    }
    if training.command:
        trainer["command"] = list(training.command)
    runtime = {"apiGroup": "trainer.kubeflow.org", "kind": "TrainingRuntime", "name": RUNTIME}
    patches = _runtime_patches(training.work)
    return {"runtimeRef": runtime, "trainer": trainer, **({"runtimePatches": patches} if patches else {})}


def _runtime_patches(work: Work) -> list[Json]:
    pod: Json = {}
    if work.node_selector:
        pod["nodeSelector"] = dict(work.node_selector)
    if work.tolerations:
        pod["tolerations"] = [toleration.model_dump(exclude_none=True) for toleration in work.tolerations]
    if not pod:
        return []
    job = {"name": NODE_JOB, "template": {"spec": {"template": {"spec": pod}}}}
    return [{"manager": PATCHES_OF, "trainingRuntimeSpec": {"template": {"spec": {"replicatedJobs": [job]}}}}]


def launch(client: ApiClient, job: Json, say: Say, retry: bool = False) -> Json:
    """Start `job`, or adopt the one there is, and wait for its end; call it in the main thread. Returns the TrainJob.

    A failed one is started anew only with `retry`. On SIGTERM the job is suspended: launched again, it goes on from its
    last checkpoint. Raises TrainJobFailedError with the pods' reason, UsageError where another job has the name, and
    SetupError where the cluster refuses, or the launcher was terminated.
    """
    with _terminations() as terminated:
        started = start(client, job, say, retry)
        for found in watch(client, started, say, terminated):
            if _is_true(found, "Complete"):
                return found
            if _is_true(found, "Failed"):
                raise TrainJobFailedError(_failure(client, found))
            if terminated:
                _suspend(client, found, say)
                raise SetupError(
                    f"terminated (SIGTERM): the TrainJob {found['metadata']['name']} is suspended; launch it again to "
                    "go on from its last checkpoint"
                )
    raise AssertionError("watch() ends only by an exception")


def start(client: ApiClient, job: Json, say: Say, retry: bool = False) -> Json:
    """Create `job`, or adopt the one of its name, going on with a suspended one. Raises as `launch` does."""
    name, failed = job["metadata"]["name"], None
    end = time.monotonic() + DELETION
    while time.monotonic() < end:
        try:
            created = create(client, _collection(job), job)
            say(f"{name}: created")
            return created
        except KubernetesError as error:
            if error.status == NOT_FOUND:
                raise SetupError(f"{error}. `entp preflight` tells what the cluster lacks") from error
            if error.status != CONFLICT:
                raise
        found = find(client, _path(job))
        if found is None or "deletionTimestamp" in found["metadata"]:
            time.sleep(SOONEST)
            continue
        _require_same(found, job)
        uid = found["metadata"]["uid"]
        # Only the failed one seen first: another launcher may have started it anew, and that one counts.
        if retry and _is_true(found, "Failed") and failed in (None, uid):
            failed = uid
            say(f"{name}: failed earlier; deleted, to be started anew")
            _delete(client, found)
            continue
        say(f"{name}: adopted ({state(found)})")
        if found["spec"].get("suspend") and not _is_over(found):
            _resume(client, found, say)
        return found
    raise SetupError(f"{name}: the earlier TrainJob is still being deleted; look at its finalizers, and launch again")


def watch(client: ApiClient, job: Json, say: Say, terminated: Sequence[int] = ()) -> Iterator[Json]:
    """Look at the job again and again, less and less often while nothing changes; tells each change of its state.

    Looks at once when `terminated` fills. Raises SetupError where the job is gone, or the cluster is for long.
    """
    name, told, pause, last_answer = job["metadata"]["name"], "", SOONEST, time.monotonic()
    while True:
        try:
            job = get(client, _path(job))
        except KubernetesError as error:
            if error.status == NOT_FOUND:
                raise SetupError(f"{name}: somebody deleted the TrainJob; launch again to start anew") from error
            if not error.passing or time.monotonic() - last_answer > OUTAGE:
                raise
            say(f"{name}: {error}; the job goes on, asking again")
        else:
            last_answer = time.monotonic()
        if state(job) != told:
            told, pause = state(job), SOONEST
            say(f"{name}: {told}")
        yield job
        _sleep(pause, terminated)
        pause = min(1.5 * pause, LATEST)


def state(job: Json) -> str:
    """Complete, Failed, Suspended or Running, and what is known of its nodes."""
    for kind in ("Complete", "Failed", "Suspended"):
        if _is_true(job, kind):
            waits = kind == "Suspended" and QUEUE_LABEL in job["metadata"].get("labels", {})
            return "Suspended (waits in the queue)" if waits else kind
    nodes = {part["name"]: part for part in job.get("status", {}).get("jobsStatus", [])}.get(NODE_JOB)
    if nodes is None:
        return "Waiting"
    return f"Running (jobs of nodes: {nodes['ready']} ready, {nodes['active']} active, {nodes['failed']} failed)"


@contextmanager
def _terminations() -> Iterator[list[int]]:
    """Filled by SIGTERM, in place of dying."""
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: seen.append(number))
    try:
        yield seen
    finally:
        signal.signal(signal.SIGTERM, before)


def _sleep(seconds: float, terminated: Sequence[int]) -> None:
    """In short pieces, as a handled signal doesn't cut a sleep short."""
    end = time.monotonic() + seconds
    while not terminated and (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 0.25))


def _require_same(found: Json, job: Json) -> None:
    wanted = job["metadata"]["annotations"][SPEC_DIGEST]
    given = found["metadata"].get("annotations", {}).get(SPEC_DIGEST)
    if given != wanted:
        name, namespace = job["metadata"]["name"], job["metadata"]["namespace"]
        raise UsageError(
            f"there is another TrainJob {name} (specification {given}, not {wanted}): its nodes, resources, image or "
            f"arguments differ. Launch it as before, or delete it: kubectl -n {namespace} delete trainjob {name}"
        )


def _suspend(client: ApiClient, job: Json, say: Say) -> None:
    # Kueue would start a job again that it has admitted, unless its workload is inactive.
    if QUEUE_LABEL in job["metadata"].get("labels", {}):
        try:
            _set_active(client, job, False)
        except KubernetesError as error:
            say(f"{job['metadata']['name']}: {error}; Kueue may start the suspended job again")
    patch(client, _path(job), {"spec": {"suspend": True}})


def _resume(client: ApiClient, job: Json, say: Say) -> None:
    """Go on with a suspended job. One that Kueue knows is Kueue's to start, when there is room for it."""
    name = job["metadata"]["name"]
    if QUEUE_LABEL in job["metadata"].get("labels", {}):
        try:
            queued = _set_active(client, job, True)
        except KubernetesError as error:
            if error.status != FORBIDDEN:
                raise
            say(f"{name}: {error}; left to Kueue")
            return
        if queued:
            return
    patch(client, _path(job), {"spec": {"suspend": False}})
    say(f"{name}: was suspended, goes on")


def _set_active(client: ApiClient, job: Json, active: bool) -> bool:
    """Tell Kueue whether the job may run. Returns whether Kueue has a workload for it."""
    collection = f"{WORKLOADS}/{job['metadata']['namespace']}/workloads"
    try:
        found = get(client, collection, labelSelector=f"kueue.x-k8s.io/job-uid={job['metadata']['uid']}")["items"]
    except KubernetesError as error:
        if error.status != NOT_FOUND:
            raise
        return False
    for workload in found:
        if workload["spec"].get("active", True) != active:
            patch(client, f"{collection}/{workload['metadata']['name']}", {"spec": {"active": active}})
    return bool(found)


def _delete(client: ApiClient, job: Json) -> None:
    try:
        delete(client, _path(job), job["metadata"]["uid"])
    except KubernetesError as error:
        # Gone, or another launcher's new one has the name.
        if error.status not in (NOT_FOUND, CONFLICT):
            raise


def _failure(client: ApiClient, job: Json) -> str:
    """What the job says of its end, and the newest reasons of its pods."""
    name, namespace = job["metadata"]["name"], job["metadata"]["namespace"]
    condition = next(condition for condition in job["status"]["conditions"] if condition["type"] == "Failed")
    head = f"the TrainJob {name} failed: {condition['reason']}, {condition['message']}"
    selector = f"jobset.sigs.k8s.io/jobset-name={name}"
    try:
        pods = get(client, f"/api/v1/namespaces/{namespace}/pods", labelSelector=selector)["items"]
    except KubernetesError as error:
        return f"{head} (its pods can't be listed: {error})"
    reasons = sorted((reason for pod in pods if (reason := _pod_failure(pod))), reverse=True)
    told = "; ".join(text for _, text in reasons[:SHOWN_PODS]) or "no failed pod is left"
    return f"{head}. {told}. See `kubectl -n {namespace} logs -l {selector} --prefix`; launch with retry to start anew"


def _pod_failure(pod: Json) -> tuple[str, str] | None:
    """When and why a pod failed."""
    name, status = pod["metadata"]["name"], pod["status"]
    for container in status.get("containerStatuses", []):
        ended = container["state"].get("terminated")
        if ended and ended["exitCode"] != 0:
            message = " ".join((ended.get("message") or "").split())[:500]
            reason = f"{ended.get('reason', 'Error')}, exit code {ended['exitCode']}"
            return ended.get("finishedAt") or "", f"pod {name}: {reason}" + (f" ({message})" if message else "")
    if status.get("phase") == "Failed":
        return "", f"pod {name}: {status.get('reason', 'Failed')}, {status.get('message', 'no message')}"
    return None


def _is_true(job: Json, kind: str) -> bool:
    conditions = job.get("status", {}).get("conditions", [])
    return any(condition["type"] == kind and condition["status"] == "True" for condition in conditions)


def _is_over(job: Json) -> bool:
    return _is_true(job, "Complete") or _is_true(job, "Failed")


def _collection(job: Json) -> str:
    return f"/apis/{API_VERSION}/namespaces/{job['metadata']['namespace']}/trainjobs"


def _path(job: Json) -> str:
    return f"{_collection(job)}/{job['metadata']['name']}"
