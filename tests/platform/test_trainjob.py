"""The TrainJob launcher, with the real client: one job for one identity, whoever launches it and whatever breaks.

Tests that take a `cluster` also run against a real kube-apiserver where KUBEBUILDER_ASSETS names one.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import ApiClient

from entp.errors import SetupError, UsageError
from entp.platform import kubernetes_api, trainjob
from entp.platform.profiles import load_profile
from entp.platform.trainjob import Training, TrainJobFailedError, launch, manifest, start
from tests.manifests.schemas import validate_custom
from tests.platform import envtest
from tests.platform.kubernetes_server import KubernetesServer, client_of, condition, serving, write_kubeconfig

ROOT = Path(__file__).parents[2]
JOBS = "/apis/trainer.kubeflow.org/v1alpha1/namespaces/entp/trainjobs"
PODS = "/api/v1/namespaces/entp/pods"
WORKLOADS = "/apis/kueue.x-k8s.io/v1beta2/namespaces/entp/workloads"
DIGEST = "3f2a7fdd1f2ca655f006faed36fa33b7"
NAME = "entp-train-3f2a7fdd1f2c"
NODES = [{"name": "node", "ready": 1, "active": 1, "succeeded": 0, "failed": 0, "suspended": 0}]
RUNNING = {"jobsStatus": NODES}
COMPLETE = {"conditions": [condition("Complete", "True", "AllJobsCompleted", "jobset completed")]}
FAILED = {"conditions": [condition("Failed", "True", "FailedJobs", "jobset failed")]}
Json = dict[str, Any]

LAUNCHER = """
import json, sys
from entp.errors import EntpError
from entp.platform.kubernetes_api import connect
from entp.platform.trainjob import launch
try:
    launch(connect("here"), json.loads(sys.argv[1]), lambda line: print(line, flush=True))
except EntpError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


def training(**fields: Any) -> Training:
    work = load_profile("gpu-spot", ROOT / "pipelines/profiles.yaml").work["training"]
    args = ("step", "train", "--output", f"{trainjob.workspace_of(DIGEST)}/train")
    given = Training(DIGEST, args, f"registry.example.com/entp/gpu@sha256:{'9' * 64}", work, nodes=2)
    return replace(given, **fields)


@dataclass
class Cluster:
    """An API server, and a way to play what the TrainJob controller does there."""

    kubeconfig: Path
    server: KubernetesServer | None

    def client(self) -> ApiClient:
        return client_of(self.kubeconfig)

    def play(self, *script: Json) -> None:
        """The job goes through these statuses."""
        if self.server:
            self.server.script = script
        else:
            threading.Thread(target=_play, args=(self.client(), script), daemon=True).start()

    def job(self) -> Json:
        return kubernetes_api.get(self.client(), f"{JOBS}/{NAME}")

    def launch(self, **fields: Any) -> tuple[Json, list[str]]:
        said: list[str] = []
        return launch(self.client(), manifest(training(**fields)), said.append), said


def _play(client: ApiClient, script: Sequence[Json]) -> None:
    while kubernetes_api.find(client, f"{JOBS}/{NAME}") is None:
        time.sleep(0.2)
    for step in script:
        kubernetes_api.patch(client, f"{JOBS}/{NAME}/status", {"status": step})
        time.sleep(1)


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if reason := envtest.missing():
        pytest.skip(reason)
    with envtest.control_plane(tmp_path_factory.mktemp("control-plane")) as kubeconfig:
        yield kubeconfig


@pytest.fixture(params=["server", "kube-apiserver"])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    if request.param == "kube-apiserver":
        real = Cluster(request.getfixturevalue("control_plane"), None)
        for job in kubernetes_api.get(real.client(), JOBS)["items"]:
            kubernetes_api.delete(real.client(), f"{JOBS}/{job['metadata']['name']}", job["metadata"]["uid"])
        yield real
        return
    with serving(KubernetesServer(token="a-token")) as running:
        yield Cluster(write_kubeconfig(tmp_path / "kubeconfig", running.url), running)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[KubernetesServer]:
    """For what only a server with faults can show."""
    with serving(KubernetesServer(token="a-token")) as running:
        write_kubeconfig(tmp_path / "kubeconfig", running.url)
        yield running


@pytest.fixture
def client(server: KubernetesServer, tmp_path: Path) -> ApiClient:
    assert server.url
    return client_of(tmp_path / "kubeconfig")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes_api, "PAUSE", 0.01)
    monkeypatch.setattr(trainjob, "SOONEST", 0.1)


def run_launcher(kubeconfig: Path, job: Json) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", LAUNCHER, json.dumps(job)]
    environment = {"KUBECONFIG": str(kubeconfig), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def pod(name: str, exit_code: int, reason: str, finished: str, message: str | None = None) -> Json:
    ended = {"exitCode": exit_code, "reason": reason, "finishedAt": finished, "message": message}
    labels = {"jobset.sigs.k8s.io/jobset-name": NAME}
    statuses = [{"name": "node", "state": {"terminated": ended}}]
    return {"metadata": {"name": name, "labels": labels}, "status": {"phase": "Failed", "containerStatuses": statuses}}


# The manifest


@pytest.mark.parametrize("fields", [{}, {"queue": "entp"}, {"command": ("torchrun",), "env": {"NCCL_DEBUG": "WARN"}}])
def test_the_job_is_valid_with_unknown_fields_refused(fields):
    validate_custom(manifest(training(**fields)))


def test_the_name_is_that_of_the_stage_identity_and_nothing_else():
    assert manifest(training())["metadata"]["name"] == NAME
    assert manifest(training(nodes=4))["metadata"]["name"] == NAME
    assert manifest(training(digest="0" * 32))["metadata"]["name"] == "entp-train-000000000000"


def test_it_asks_for_what_the_profile_gives_to_training():
    spec = manifest(training())["spec"]
    asked = {"cpu": "8", "memory": "128Gi", "nvidia.com/gpu": "1"}
    assert spec["trainer"]["resourcesPerNode"] == {"requests": asked, "limits": asked}
    assert (spec["trainer"]["numNodes"], spec["trainer"]["numProcPerNode"], spec["suspend"]) == (2, 1, False)
    assert not {"podSpecOverrides", "podTemplateOverrides"} & set(spec)
    patched = spec["runtimePatches"][0]["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"][0]
    pod_spec = patched["template"]["spec"]["template"]["spec"]
    assert pod_spec["nodeSelector"] == {"entp/pool": "gpu-spot"}
    assert [toleration["key"] for toleration in pod_spec["tolerations"]] == ["nvidia.com/gpu", "entp/spot"]


def test_each_node_runs_a_process_for_each_of_its_gpus():
    work = training().work.model_copy(update={"gpus": 8})
    trainer = manifest(training(work=work))["spec"]["trainer"]
    assert (trainer["numProcPerNode"], trainer["resourcesPerNode"]["limits"]["nvidia.com/gpu"]) == (8, "8")


def test_work_without_a_pool_needs_no_patch_of_the_runtime():
    work = load_profile("cpu", ROOT / "pipelines/profiles.yaml").work["training"]
    job = manifest(training(work=work))
    assert "runtimePatches" not in job["spec"]
    validate_custom(job)


def test_the_runtime_it_names_mounts_the_claim_that_holds_its_workspace():
    runtime = yaml.safe_load((ROOT / "manifests/base/training-runtime.yaml").read_text())
    job = manifest(training())
    reference = job["spec"]["runtimeRef"]
    assert (reference["kind"], reference["name"]) == (runtime["kind"], runtime["metadata"]["name"])
    replicated = {part["name"]: part for part in runtime["spec"]["template"]["spec"]["replicatedJobs"]}
    node = replicated[trainjob.NODE_JOB]["template"]["spec"]["template"]["spec"]
    mounts = {mount["mountPath"]: mount["name"] for mount in node["containers"][0]["volumeMounts"]}
    claims = {volume["name"]: volume.get("persistentVolumeClaim") for volume in node["volumes"]}
    workspace = {entry["name"]: entry["value"] for entry in job["spec"]["trainer"]["env"]}["ENTP_WORKSPACE"]
    assert workspace == trainjob.workspace_of(DIGEST)
    assert claims[mounts[f"/{workspace.split('/')[1]}"]] == {"claimName": "entp-cache"}


def test_the_queue_is_kueues_label():
    assert manifest(training(queue="entp"))["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "entp"
    assert "kueue.x-k8s.io/queue-name" not in manifest(training())["metadata"]["labels"]


def test_no_nodes_are_refused():
    with pytest.raises(UsageError, match="0 nodes"):
        manifest(training(nodes=0))


# Launching


def test_a_launched_job_is_watched_until_it_is_complete(cluster):
    cluster.play(RUNNING, RUNNING, COMPLETE)
    done, said = cluster.launch()
    assert trainjob.state(done) == "Complete"
    validate_custom({key: cluster.job()[key] for key in ("apiVersion", "kind", "metadata", "spec")})
    assert [line.removeprefix(f"{NAME}: ") for line in (said[0], said[-1])] == ["created", "Complete"]


def test_each_change_of_state_is_told_once(server, client):
    server.script = [{}, {}, RUNNING, RUNNING, RUNNING, COMPLETE]
    said: list[str] = []
    launch(client, manifest(training()), said.append)
    running = "Running (jobs of nodes: 1 ready, 1 active, 0 failed)"
    assert said == [f"{NAME}: {told}" for told in ("created", "Waiting", running, "Complete")]


def test_a_job_that_is_there_is_adopted(cluster):
    first = start(cluster.client(), manifest(training()), print)
    cluster.play(COMPLETE)
    done, said = cluster.launch()
    assert done["metadata"]["uid"] == first["metadata"]["uid"]
    assert said[0].startswith(f"{NAME}: adopted")


def test_another_job_of_the_same_name_is_an_error_that_names_it(cluster):
    start(cluster.client(), manifest(training()), print)
    with pytest.raises(UsageError, match=rf"another TrainJob {NAME}.*delete trainjob {NAME}"):
        cluster.launch(nodes=4)
    assert cluster.job()["spec"]["trainer"]["numNodes"] == 2


def test_many_launchers_at_once_start_one_job(cluster):
    def begin(_: int) -> tuple[str, str]:
        said: list[str] = []
        found = start(cluster.client(), manifest(training()), said.append)
        return found["metadata"]["uid"], said[0]

    with ThreadPoolExecutor(8) as pool:
        begun = list(pool.map(begin, range(8)))
    assert {uid for uid, _ in begun} == {cluster.job()["metadata"]["uid"]}
    assert sum("created" in said for _, said in begun) == 1


def test_two_launching_processes_end_with_the_same_job(cluster):
    job = manifest(training())
    launchers = [run_launcher(cluster.kubeconfig, job) for _ in range(2)]
    cluster.play(RUNNING, RUNNING, RUNNING, RUNNING, COMPLETE)
    outputs = [launcher.communicate(timeout=120) for launcher in launchers]
    assert [launcher.returncode for launcher in launchers] == [0, 0], outputs
    assert sum(": created" in output for output, _ in outputs) == 1
    assert sum(": adopted" in output for output, _ in outputs) == 1


def test_a_creation_whose_answer_was_lost_is_adopted(server, client):
    server.script = [COMPLETE]
    server.fail(f"POST {JOBS}", drop=True, late=True)
    launch(client, manifest(training()), print)
    assert len(server.calls(f"POST {JOBS}")) == 2
    assert list(server.objects) == [f"{JOBS}/{NAME}"]


# Failing


def test_a_failed_job_is_raised_with_the_newest_reasons_of_its_pods(server, client):
    server.script = [FAILED]
    server.put(PODS, pod("node-0-0", 1, "Error", "2026-11-24T10:00:00Z", "loss is\nNaN"))
    server.put(PODS, pod("node-0-1", 137, "OOMKilled", "2026-11-24T10:05:00Z"))
    server.put(PODS, pod("node-0-2", 0, "Completed", "2026-11-24T10:06:00Z"))
    evicted = {"phase": "Failed", "reason": "Evicted", "message": "node was low on memory"}
    labels = {"jobset.sigs.k8s.io/jobset-name": NAME}
    server.put(PODS, {"metadata": {"name": "node-0-3", "labels": labels}, "status": evicted})
    other = pod("other", 2, "Error", "2026-11-24T11:00:00Z")
    server.put(PODS, {**other, "metadata": {"name": "other", "labels": {}}})
    with pytest.raises(TrainJobFailedError) as raised:
        launch(client, manifest(training()), print)
    told = str(raised.value)
    assert told.startswith(
        f"the TrainJob {NAME} failed: FailedJobs, jobset failed. pod node-0-1: OOMKilled, exit code 137;"
    )
    assert "pod node-0-0: Error, exit code 1 (loss is NaN)" in told
    assert "pod node-0-3: Evicted, node was low on memory" in told
    assert "other" not in told
    assert "node-0-2" not in told


def test_a_failure_is_told_where_pods_can_not_be_listed(server, client):
    server.script = [FAILED]
    server.fail(f"GET {PODS}", status=403)
    with pytest.raises(TrainJobFailedError, match=r"jobset failed \(its pods can't be listed: .*403"):
        launch(client, manifest(training()), print)


def test_an_earlier_failure_is_raised_and_left_alone(cluster):
    cluster.play(FAILED)
    uids = set()
    for _ in range(2):
        with pytest.raises(TrainJobFailedError):
            cluster.launch()
        uids.add(cluster.job()["metadata"]["uid"])
    assert len(uids) == 1


def test_an_earlier_failure_is_deleted_and_started_anew_with_retry(cluster):
    cluster.play(FAILED)
    with pytest.raises(TrainJobFailedError):
        cluster.launch()
    old = cluster.job()["metadata"]["uid"]
    said: list[str] = []
    anew = start(cluster.client(), manifest(training()), said.append, retry=True)
    assert anew["metadata"]["uid"] == cluster.job()["metadata"]["uid"] != old
    assert [line.split()[1].strip(";") for line in said] == ["failed", "created"]


def test_many_retries_at_once_start_it_anew_once(cluster):
    cluster.play(FAILED)
    with pytest.raises(TrainJobFailedError):
        cluster.launch()
    cluster.play(RUNNING)
    with ThreadPoolExecutor(8) as pool:
        again = list(pool.map(lambda _: start(cluster.client(), manifest(training()), print, retry=True), range(8)))
    assert {job["metadata"]["uid"] for job in again} == {cluster.job()["metadata"]["uid"]}


def test_a_late_retry_does_not_delete_what_another_has_started_anew(server, client):
    server.script = [FAILED]
    with pytest.raises(TrainJobFailedError):
        launch(client, manifest(training()), print)
    server.script = [RUNNING]
    server.fail(f"DELETE {JOBS}/{NAME}", seconds=1)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(start, client, manifest(training()), print, retry=True)
        while not server.calls(f"DELETE {JOBS}/{NAME}"):
            time.sleep(0.01)
        anew = start(client, manifest(training()), print, retry=True)
        assert late.result()["metadata"]["uid"] == anew["metadata"]["uid"]
    assert len(server.calls(f"DELETE {JOBS}/{NAME}")) == 2


def test_a_retry_leaves_a_running_job_alone(cluster):
    first = start(cluster.client(), manifest(training()), print)
    again = start(cluster.client(), manifest(training()), print, retry=True)
    assert again["metadata"]["uid"] == first["metadata"]["uid"]


def test_a_job_that_somebody_deletes_is_an_error(server, client):
    server.script = [RUNNING] * 100
    server.fail(f"GET {JOBS}/{NAME}", status=404)
    with pytest.raises(SetupError, match="somebody deleted the TrainJob"):
        launch(client, manifest(training()), print)


# Suspending


def test_sigterm_suspends_the_job_and_the_next_launch_goes_on(cluster):
    launcher = run_launcher(cluster.kubeconfig, manifest(training()))
    assert launcher.stdout is not None
    assert launcher.stdout.readline() == f"{NAME}: created\n"
    launcher.send_signal(signal.SIGTERM)
    _, errors = launcher.communicate(timeout=60)
    assert (launcher.returncode, cluster.job()["spec"]["suspend"]) == (4, True)
    assert f"terminated (SIGTERM): the TrainJob {NAME} is suspended; launch it again" in errors
    cluster.play(COMPLETE)
    done, said = cluster.launch()
    assert done["spec"]["suspend"] is False
    assert f"{NAME}: was suspended, goes on" in said


def test_the_signal_handler_of_before_is_put_back(server, client):
    server.script = [COMPLETE]
    before = signal.getsignal(signal.SIGTERM)
    launch(client, manifest(training()), print)
    assert signal.getsignal(signal.SIGTERM) is before


def test_kueues_workload_is_made_inactive_before_the_job_is_suspended(server, tmp_path):
    job = manifest(training(queue="entp"))
    admitted = server.put(JOBS, job)
    labels = {"kueue.x-k8s.io/job-uid": admitted["metadata"]["uid"]}
    server.put(WORKLOADS, {"metadata": {"name": "train", "labels": labels}, "spec": {"active": True}})
    server.put(WORKLOADS, {"metadata": {"name": "other", "labels": {}}, "spec": {"active": True}})
    launcher = run_launcher(tmp_path / "kubeconfig", job)
    assert launcher.stdout is not None
    launcher.stdout.readline()
    launcher.send_signal(signal.SIGTERM)
    launcher.communicate(timeout=60)
    assert launcher.returncode == 4
    assert server.objects[f"{WORKLOADS}/train"]["spec"]["active"] is False
    assert server.objects[f"{WORKLOADS}/other"]["spec"]["active"] is True
    patched = [call.path for call in server.calls("PATCH .*")]
    assert patched == [f"{WORKLOADS}/train", f"{JOBS}/{NAME}"]


def test_a_job_in_a_queue_is_left_to_kueue_to_start(server, client):
    job = manifest(training(queue="entp"))
    queued = server.put(JOBS, {**job, "spec": {**job["spec"], "suspend": True}})
    labels = {"kueue.x-k8s.io/job-uid": queued["metadata"]["uid"]}
    server.put(WORKLOADS, {"metadata": {"name": "train", "labels": labels}, "spec": {"active": False}})
    adopted = start(client, job, print)
    assert trainjob.state(adopted) == "Suspended (waits in the queue)"
    assert server.objects[f"{WORKLOADS}/train"]["spec"]["active"] is True
    assert server.objects[f"{JOBS}/{NAME}"]["spec"]["suspend"] is True


@pytest.mark.parametrize("installed", [True, False])
def test_a_suspended_job_that_kueue_does_not_know_goes_on(server, client, installed):
    server.absent = set() if installed else {"kueue.x-k8s.io"}
    job = manifest(training(queue="entp"))
    server.put(JOBS, {**job, "spec": {**job["spec"], "suspend": True}})
    start(client, job, print)
    assert server.objects[f"{JOBS}/{NAME}"]["spec"]["suspend"] is False


# A busy server, or one that refuses


@pytest.mark.parametrize("fault", [{"status": 429, "retry_after": 0}, {"status": 500}, {"drop": True}])
@pytest.mark.parametrize("request_", [f"POST {JOBS}", f"GET {JOBS}/{NAME}"])
def test_a_passing_fault_is_borne(server, client, request_, fault):
    server.script = [COMPLETE]
    server.fail(request_, times=2, **fault)
    done = launch(client, manifest(training()), print)
    assert trainjob.state(done) == "Complete"
    assert len(server.calls(request_)) == 3


def test_the_pause_that_the_server_asks_for_is_kept(server, client, monkeypatch):
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    server.script = [COMPLETE]
    server.fail(f"POST {JOBS}", status=429, retry_after=7)
    launch(client, manifest(training()), print)
    assert 7 < max(pauses) < 8


def test_a_slow_server_is_waited_for(server, client):
    server.script = [COMPLETE]
    server.fail(f"POST {JOBS}", seconds=1)
    launch(client, manifest(training()), print)
    assert len(server.calls(f"POST {JOBS}")) == 1


def test_an_outage_of_the_server_does_not_end_the_watch(server, client):
    server.script = [RUNNING, COMPLETE]
    server.fail(f"GET {JOBS}/{NAME}", status=503, times=7)
    said: list[str] = []
    launch(client, manifest(training()), said.append)
    assert any("the job goes on, asking again" in line for line in said)
    assert said[-1] == f"{NAME}: Complete"


def test_an_outage_without_end_is_an_error(server, client, monkeypatch):
    monkeypatch.setattr(trainjob, "OUTAGE", 0.5)
    server.fail(f"GET {JOBS}/{NAME}", status=503, times=10**6)
    with pytest.raises(SetupError, match="injected 503"):
        launch(client, manifest(training()), print)


def test_refused_credentials_say_so_without_showing_them(server, client):
    server.token = "another"
    with pytest.raises(SetupError) as raised:
        launch(client, manifest(training()), print)
    assert "does not accept the credentials (401): log in again" in str(raised.value)
    assert "a-token" not in str(raised.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [403, 422])
def test_a_refusal_is_raised_with_the_servers_words_and_not_repeated(server, client, status):
    server.fail(f"POST {JOBS}", status=status)
    with pytest.raises(SetupError, match=f"{status}, injected {status}"):
        launch(client, manifest(training()), print)
    assert len(server.requests) == 1


def test_a_cluster_without_the_trainer_is_sent_to_preflight(server, client):
    server.absent = {"trainer.kubeflow.org"}
    with pytest.raises(SetupError, match=r"could not find the requested resource.*entp preflight"):
        launch(client, manifest(training()), print)
