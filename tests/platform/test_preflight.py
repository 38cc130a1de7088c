"""`entp preflight`, the real command with the real client: what it says of a good cluster, and of each broken thing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from entp.cli import app
from entp.platform import kubernetes_api
from tests.platform import kfp_server
from tests.platform.kubernetes_server import KubernetesServer, serving, write_kubeconfig
from tests.platform.workspace import entp, start_entp

ROOT = Path(__file__).parents[2]
CORE = "/api/v1/namespaces/entp"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
STORAGE = "/apis/storage.k8s.io/v1/storageclasses"
TRAINER = "/apis/trainer.kubeflow.org/v1alpha1/namespaces/entp"
QUEUE = "/apis/kueue.x-k8s.io/v1beta2/namespaces/entp/localqueues"
SECRET_VALUE = "c2VjcmV0LXZhbHVl"
Json = dict[str, Any]
Break = Callable[[KubernetesServer], Any]
pytestmark = pytest.mark.usefixtures("folder")


def named(name: str, **fields: Any) -> Json:
    return {"metadata": {"name": name}, **fields}


def node(name: str, labels: Json, taints: list[Json], **allocatable: str) -> Json:
    ready = [{"type": "Ready", "status": "True"}]
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"taints": taints},
        "status": {"conditions": ready, "allocatable": allocatable},
    }


def definition(name: str, *versions: str, fields: tuple[str, ...] = ()) -> Json:
    spec: Json = {"properties": {"spec": {"properties": {field: {} for field in fields}}}}
    schema = {"openAPIV3Schema": spec}
    return named(name, spec={"versions": [{"name": v, "served": True, "schema": schema} for v in versions]})


def good_cluster() -> KubernetesServer:
    """All that the profile gpu asks for."""
    cluster = KubernetesServer(token="a-token")
    space = {"name": "entp", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
    cluster.put("/api/v1/namespaces", {"metadata": space, "status": {"phase": "Active"}})
    gpu = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
    cluster.put("/api/v1/nodes", node("cpu-1", {}, [], cpu="16", memory="64Gi"))
    accelerated = node("gpu-1", {"entp/pool": "gpu"}, [gpu], cpu="32", memory="256Gi", **{"nvidia.com/gpu": "8"})
    cluster.put("/api/v1/nodes", accelerated)
    used, hard = {"requests.cpu": "4", "requests.nvidia.com/gpu": "1"}, {"requests.cpu": "64", "limits.memory": "512Gi"}
    hard["requests.nvidia.com/gpu"] = "8"
    cluster.put(f"{CORE}/resourcequotas", named("entp", spec={"hard": hard}, status={"hard": hard, "used": used}))
    for name in ("entp-cache", "entp-models"):
        spec = {"accessModes": ["ReadWriteMany"], "storageClassName": "files"}
        cluster.put(f"{CORE}/persistentvolumeclaims", named(name, spec=spec, status={"phase": "Bound"}))
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    cluster.put(f"{CORE}/secrets", named("entp-object-store", data=dict.fromkeys(keys, SECRET_VALUE)))
    cluster.put(f"{CORE}/secrets", named("entp-llm", data={"OPENAI_API_KEY": SECRET_VALUE}))
    settings = ("MLFLOW_TRACKING_URI", "AWS_ENDPOINT_URL", "ENTP_KFP_HOST", "ENTP_DVC_REMOTE")
    cluster.put(f"{CORE}/configmaps", named("entp-settings", data=dict.fromkeys(settings, "here")))
    for name in ("entp-pipeline", "entp-retrain"):
        cluster.put(f"{CORE}/serviceaccounts", named(name))
    cluster.put(STORAGE, named("files", volumeBindingMode="Immediate"))
    cluster.put(STORAGE, named("late", volumeBindingMode="WaitForFirstConsumer"))
    cluster.put(CRDS, definition("pipelines.pipelines.kubeflow.org", "v2beta1"))
    cluster.put(CRDS, definition("trainjobs.trainer.kubeflow.org", "v1alpha1", fields=("runtimePatches",)))
    cluster.put(CRDS, definition("localqueues.kueue.x-k8s.io", "v1beta1", "v1beta2"))
    cluster.put(f"{TRAINER}/trainingruntimes", named("entp-torch"))
    cluster.put(QUEUE, named("entp"))
    return cluster


@pytest.fixture
def cluster() -> Iterator[KubernetesServer]:
    with serving(good_cluster()) as running:
        yield running


@pytest.fixture(scope="module")
def kfp() -> Iterator[str]:
    with kfp_server.serving(kfp_server.KfpServer()) as running:
        yield running.url


@pytest.fixture
def mlflow(cluster: KubernetesServer) -> str:
    """An address whose /health answers with 200; who answers does not matter."""
    cluster.objects["/health"] = {}
    cluster.token = None
    return cluster.url


@pytest.fixture
def folder(tmp_path: Path, cluster: KubernetesServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a kubeconfig."""
    (tmp_path / "pipelines").mkdir()
    shutil.copy(ROOT / "pipelines/profiles.yaml", tmp_path / "pipelines")
    monkeypatch.setenv("KUBECONFIG", str(write_kubeconfig(tmp_path / "kubeconfig", cluster.url)))
    monkeypatch.setattr(kubernetes_api, "PAUSE", 0.01)
    for name in ("KFP_TOKEN", "KF_PIPELINES_SA_TOKEN_PATH", "ENTP_KFP_HOST", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def preflight(*options: str) -> tuple[int, dict[str, Json]]:
    """Exit code, and the findings by name."""
    result = CliRunner().invoke(app, ["preflight", "--profile", "gpu", "--json", *options])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert SECRET_VALUE not in result.output
    findings = {finding["name"]: finding for finding in json.loads(result.stdout)["findings"]}
    return result.exit_code, findings


def rows(table: str) -> list[list[str]]:
    """The cells of a printed table, without their line breaks."""
    found: list[list[str]] = []
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.split("│")[1:-1]]
        if cells and cells[0]:
            found.append(cells)
        elif cells:
            found[-1] = [f"{above} {cell}".strip() for above, cell in zip(found[-1], cells, strict=True)]
    return found


# The whole


def test_a_good_cluster_is_all_in_order(cluster, kfp, mlflow):
    code, findings = preflight("--kfp-host", kfp, "--mlflow-uri", mlflow)
    assert {name: finding for name, finding in findings.items() if finding["level"] != "ok"} == {}
    assert code == 0
    assert {call.method for call in cluster.requests} == {"GET", "POST"}
    assert all("accessreviews" in call.path for call in cluster.calls("POST .*"))


def test_the_table_has_problems_first_with_their_remedies(folder, cluster, kfp):
    del cluster.objects[f"{CORE}/secrets/entp-object-store"]
    process = start_entp("preflight", "--profile", "gpu", "--kfp-host", kfp, cwd=folder)
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (4, "")
    table = rows(output)
    assert table[0][:3] == ["problem", "Secret entp-object-store", "does not exist"]
    assert "kubectl create secret generic entp-object-store" in table[0][3]
    assert table[1][:2] == ["warning", "MLflow"]
    assert {row[0] for row in table[2:]} == {"ok"}
    assert output.strip().endswith(f"1 problems, 1 warnings, {len(table) - 2} in order")
    assert SECRET_VALUE not in output


def test_warnings_alone_exit_with_0(folder):
    code, findings, errors = entp("preflight", "--profile", "gpu", "--json", cwd=folder)
    assert (code, errors) == (0, "")
    shown = {finding["name"]: finding["level"] for finding in findings["findings"]}
    assert (shown.pop("MLflow"), shown.pop("Kubeflow Pipelines")) == ("warning", "warning")
    assert set(shown.values()) == {"ok"}


def test_the_cpu_profile_asks_for_no_gpus_and_no_trainer(cluster):
    cluster.absent = {"trainer.kubeflow.org", "kueue.x-k8s.io"}
    for name in ("/api/v1/nodes/gpu-1", f"{CRDS}/trainjobs.trainer.kubeflow.org"):
        del cluster.objects[name]
    code, _ = preflight("--profile", "cpu")
    assert code == 0


# What is broken


def without(path: str) -> Break:
    return lambda cluster: cluster.objects.pop(path)


def with_fields(path: str, fields: Json) -> Break:
    """Sets fields below dotted names."""

    def change(cluster: KubernetesServer) -> None:
        for dotted, value in fields.items():
            *above, last = dotted.split(".")
            place = cluster.objects[path]
            for name in above:
                place = place.setdefault(name, {})
            place[last] = value

    return change


def denying(*denied: str) -> Break:
    return lambda cluster: cluster.denied.update(denied)


def pending(storage_class: str | None) -> Break:
    fields = {"status.phase": "Pending", "spec.storageClassName": storage_class}
    return with_fields(f"{CORE}/persistentvolumeclaims/entp-cache", fields)


GPU_NODE, NAMESPACE = "/api/v1/nodes/gpu-1", "/api/v1/namespaces/entp"
TRAINING = "nodes for training (entp/pool=gpu)"
CLAIM = f"{CORE}/persistentvolumeclaims/entp-cache"
QUOTA = f"{CORE}/resourcequotas/entp"
TAINT = {"key": "dedicated", "value": "others", "effect": "NoExecute"}
INACTIVE = [{"type": "Active", "status": "False", "message": "Can't submit new workloads to clusterQueue"}]
ALLOCATABLE = {"cpu": "32", "memory": "256Gi"}
BROKEN = {
    "namespace missing": (without(NAMESPACE), "namespace entp", "problem", "does not exist"),
    "namespace ending": (
        with_fields(NAMESPACE, {"status.phase": "Terminating"}),
        "namespace entp",
        "problem",
        "is being deleted",
    ),
    "pod security": (
        with_fields(NAMESPACE, {"metadata.labels": {"pod-security.kubernetes.io/enforce": "baseline"}}),
        "namespace entp",
        "warning",
        "enforces baseline",
    ),
    "trainer missing": (
        without(f"{CRDS}/trainjobs.trainer.kubeflow.org"),
        "trainjobs.trainer.kubeflow.org",
        "problem",
        "not installed",
    ),
    "trainer of another version": (
        lambda cluster: cluster.put(CRDS, definition("trainjobs.trainer.kubeflow.org", "v1")),
        "trainjobs.trainer.kubeflow.org",
        "problem",
        "serves v1, not v1alpha1",
    ),
    "trainer without runtimePatches": (
        lambda cluster: cluster.put(CRDS, definition("trainjobs.trainer.kubeflow.org", "v1alpha1")),
        "trainjobs.trainer.kubeflow.org",
        "problem",
        "without spec.runtimePatches",
    ),
    "older kueue": (
        lambda cluster: cluster.put(CRDS, definition("localqueues.kueue.x-k8s.io", "v1beta1")),
        "localqueues.kueue.x-k8s.io",
        "warning",
        "serves v1beta1, not v1beta2",
    ),
    "kueue missing": (
        without(f"{CRDS}/localqueues.kueue.x-k8s.io"),
        "localqueues.kueue.x-k8s.io",
        "ok",
        "optional",
    ),
    "native mode missing": (
        without(f"{CRDS}/pipelines.pipelines.kubeflow.org"),
        "pipelines.pipelines.kubeflow.org",
        "ok",
        "optional",
    ),
    "queue missing": (without(f"{QUEUE}/entp"), "LocalQueue entp", "warning", "does not exist"),
    "queue closed": (
        with_fields(f"{QUEUE}/entp", {"status.conditions": INACTIVE}),
        "LocalQueue entp",
        "problem",
        "Can't submit new workloads",
    ),
    "runtime missing": (
        without(f"{TRAINER}/trainingruntimes/entp-torch"),
        "TrainingRuntime entp-torch",
        "problem",
        "does not exist",
    ),
    "no GPU node": (without(GPU_NODE), TRAINING, "problem", "there is none"),
    "unlabelled GPU node": (with_fields(GPU_NODE, {"metadata.labels": {}}), TRAINING, "problem", "there is none"),
    "node away": (
        with_fields(GPU_NODE, {"status.conditions": [{"type": "Ready", "status": "Unknown"}]}),
        TRAINING,
        "problem",
        "none of 1 is ready",
    ),
    "node cordoned": (
        with_fields(GPU_NODE, {"spec.unschedulable": True}),
        TRAINING,
        "problem",
        "none of 1 is ready",
    ),
    "taint": (
        with_fields(GPU_NODE, {"spec.taints": [TAINT]}),
        TRAINING,
        "problem",
        "the taint dedicated=others:NoExecute is not tolerated",
    ),
    "taint on CPU nodes": (
        with_fields("/api/v1/nodes/cpu-1", {"spec.taints": [TAINT]}),
        "nodes for small (any node)",
        "problem",
        "is not tolerated",
    ),
    "no device plugin": (
        with_fields(GPU_NODE, {"status.allocatable": ALLOCATABLE}),
        TRAINING,
        "problem",
        "1 of nvidia.com/gpu is asked for, the most that a node has is 0",
    ),
    "little memory": (
        with_fields(GPU_NODE, {"status.allocatable": {**ALLOCATABLE, "memory": "96Gi", "nvidia.com/gpu": "8"}}),
        TRAINING,
        "problem",
        "128Gi of memory is asked for, the most that a node has is 96Gi",
    ),
    "quota too small": (
        with_fields(QUOTA, {"status.hard": {"requests.nvidia.com/gpu": "0"}}),
        "quota entp",
        "problem",
        "requests.nvidia.com/gpu: a step asks for 1, 1 of 0 is used",
    ),
    "quota of limits": (
        with_fields(QUOTA, {"status.hard": {"limits.memory": "64Gi"}}),
        "quota entp",
        "problem",
        "limits.memory: a step asks for 128Gi",
    ),
    "quota used up": (
        with_fields(QUOTA, {"status.used": {"requests.nvidia.com/gpu": "8"}}),
        "quota entp",
        "warning",
        "8 of 8 is used",
    ),
    "no quota": (without(QUOTA), "quota", "ok", "none is set"),
    "claim missing": (without(CLAIM), "volume claim entp-cache", "problem", "does not exist"),
    "claim lost": (
        with_fields(CLAIM, {"status.phase": "Lost"}),
        "volume claim entp-cache",
        "problem",
        "its volume is lost",
    ),
    "claim unbound": (pending("files"), "volume claim entp-cache", "problem", "is not bound"),
    "claim without a class": (pending(None), "volume claim entp-cache", "problem", "is not bound"),
    "claim that waits for a pod": (pending("late"), "volume claim entp-cache", "ok", "when the first pod needs it"),
    "claim of one node": (
        with_fields(CLAIM, {"spec.accessModes": ["ReadWriteOnce"]}),
        "volume claim entp-cache",
        "warning",
        "ReadWriteOnce: only pods of one node",
    ),
    "secret missing": (
        without(f"{CORE}/secrets/entp-object-store"),
        "Secret entp-object-store",
        "problem",
        "does not exist",
    ),
    "secret incomplete": (
        with_fields(f"{CORE}/secrets/entp-object-store", {"data": {"AWS_ACCESS_KEY_ID": SECRET_VALUE}}),
        "Secret entp-object-store",
        "problem",
        "lacks AWS_SECRET_ACCESS_KEY",
    ),
    "optional secret missing": (without(f"{CORE}/secrets/entp-llm"), "Secret entp-llm", "ok", "optional"),
    "settings incomplete": (
        with_fields(f"{CORE}/configmaps/entp-settings", {"data": {"ENTP_KFP_HOST": "here"}}),
        "ConfigMap entp-settings",
        "problem",
        "lacks MLFLOW_TRACKING_URI, AWS_ENDPOINT_URL, ENTP_DVC_REMOTE",
    ),
    "account missing": (
        without(f"{CORE}/serviceaccounts/entp-retrain"),
        "ServiceAccount entp-retrain",
        "problem",
        "does not exist",
    ),
    "may not submit": (
        denying("self create runs", "self list runs"),
        "rights of you on runs.pipelines.kubeflow.org",
        "problem",
        "may not create, list",
    ),
    "pipeline may not launch": (
        denying("entp-pipeline create trainjobs"),
        "rights of entp-pipeline on trainjobs.trainer.kubeflow.org",
        "problem",
        "may not create",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_found_named_and_mended(cluster, what):
    damage, name, level, detail = BROKEN[what]
    damage(cluster)
    code, findings = preflight()
    finding = findings[name]
    assert (finding["level"], detail in finding["detail"]) == (level, True), finding
    assert bool(finding["remedy"]) == (level != "ok")
    assert code == (4 if level == "problem" else 0)
    others = {other["name"] for other in findings.values() if other["level"] == "problem"} - {name}
    # GPU nodes serve two kinds of work, CPU nodes three.
    assert all(other.startswith("nodes for ") and name.startswith("nodes for ") for other in others)


@pytest.mark.parametrize(("nodes", "memory", "code"), [(2, "256Gi", 0), (3, "256Gi", 4), (3, "512Gi", 0)])
def test_the_nodes_of_a_training_must_find_room_at_once(folder, cluster, nodes, memory, code):
    profiles = yaml.safe_load((folder / "pipelines/profiles.yaml").read_text())
    profiles["profiles"]["gpu"]["training"]["nodes"] = nodes
    (folder / "pipelines/profiles.yaml").write_text(yaml.safe_dump(profiles))
    cluster.objects[GPU_NODE]["status"]["allocatable"]["memory"] = memory
    found, findings = preflight()
    assert found == code
    room = f"room for {2 if memory == '256Gi' else 4} pods of cpu 8, memory 128Gi, nvidia.com/gpu 1 on 1 of 1 nodes"
    assert findings[TRAINING]["detail"] == (f"{nodes} pods at once, but {room}" if code else room)


def test_a_quota_counts_all_nodes_of_a_training(folder):
    profiles = yaml.safe_load((folder / "pipelines/profiles.yaml").read_text())
    profiles["profiles"]["gpu"]["training"] |= {"nodes": 9}
    (folder / "pipelines/profiles.yaml").write_text(yaml.safe_dump(profiles))
    _, findings = preflight()
    assert "requests.nvidia.com/gpu: a step asks for 9, 1 of 8 is used" in findings["quota entp"]["detail"]
    assert "limits.memory: a step asks for 1152Gi" in findings["quota entp"]["detail"]


# What can't be checked


FORBIDDEN = {
    "/api/v1/namespaces/entp": "namespace entp",
    "/api/v1/nodes": "nodes",
    f"{CORE}/resourcequotas": "quota",
    CLAIM: "volume claim entp-cache",
    f"{CORE}/secrets/entp-object-store": "Secret entp-object-store",
    f"{CORE}/configmaps/entp-settings": "ConfigMap entp-settings",
    f"{CORE}/serviceaccounts/entp-pipeline": "ServiceAccount entp-pipeline",
    f"{CRDS}/trainjobs.trainer.kubeflow.org": "trainjobs.trainer.kubeflow.org",
    f"{TRAINER}/trainingruntimes/entp-torch": "TrainingRuntime entp-torch",
    f"{QUEUE}/entp": "LocalQueue entp",
    "/apis/authorization.k8s.io/v1/namespaces/entp/localsubjectaccessreviews": "rights on trainjobs",
}


@pytest.mark.parametrize("path", FORBIDDEN)
def test_what_is_forbidden_to_read_is_a_warning_that_says_so(cluster, path):
    cluster.fail(f"(GET|POST) {path}", status=403, times=99)
    code, findings = preflight()
    finding = findings[FORBIDDEN[path]]
    assert (finding["level"], finding["detail"]) == ("warning", "not checked: forbidden for this account")
    assert "manifests/base/rbac/preflight.yaml" in finding["remedy"]
    assert code == 0
    assert {other["level"] for name, other in findings.items() if name != FORBIDDEN[path]} <= {"ok", "warning"}


def test_a_storage_class_that_may_not_be_read_leaves_the_claim_unchecked(cluster):
    pending("late")(cluster)
    cluster.fail(f"GET {STORAGE}/late", status=403)
    code, findings = preflight()
    assert (code, findings["volume claim entp-cache"]["level"]) == (0, "warning")


def test_a_lasting_fault_of_one_check_is_a_warning_with_the_reason(cluster):
    cluster.fail("GET /api/v1/nodes", status=500, times=99)
    code, findings = preflight()
    assert (code, findings["nodes"]["level"]) == (0, "warning")
    assert "injected 500" in findings["nodes"]["detail"]


@pytest.mark.parametrize("fault", [{"status": 429, "retry_after": 0}, {"status": 500}, {"drop": True}])
def test_a_passing_fault_is_not_seen(cluster, fault):
    cluster.fail("GET /api/v1/nodes", times=2, **fault)
    _, findings = preflight()
    assert findings[TRAINING]["level"] == "ok"
    assert len(cluster.calls("GET /api/v1/nodes")) == 3


# The cluster itself, and what is beside it


def test_refused_credentials_are_a_problem_and_end_the_checks_of_the_cluster(cluster):
    cluster.token = "another"
    code, findings = preflight()
    assert (code, findings["cluster"]["level"]) == (4, "problem")
    assert "does not accept the credentials (401)" in findings["cluster"]["detail"]
    assert set(findings) == {"cluster", "Kubeflow Pipelines", "MLflow"}
    assert "a-token" not in json.dumps(findings)


def test_a_cluster_that_is_away_is_a_problem(folder):
    write_kubeconfig(folder / "kubeconfig", "http://127.0.0.1:9")
    code, findings = preflight()
    assert (code, findings["cluster"]["level"]) == (4, "problem")
    assert "no answer from the cluster at http://127.0.0.1:9" in findings["cluster"]["detail"]


def test_an_unknown_context_is_named_with_the_remedy(folder):
    code, _, errors = entp("preflight", "--context", "elsewhere", cwd=folder)
    assert code == 4
    assert "the context 'elsewhere' of the kubeconfig" in errors
    assert "kubectl config get-contexts" in errors


def test_an_unknown_profile_names_those_there_are(folder):
    code, _, errors = entp("preflight", "--profile", "tpu", cwd=folder)
    assert code == 2
    assert "cpu, gpu, gpu-spot" in errors


def test_pipelines_that_do_not_answer_are_a_problem(monkeypatch):
    monkeypatch.setattr("entp.platform.preflight.PATIENCE", 0.1)
    code, findings = preflight("--kfp-host", "http://127.0.0.1:9")
    assert (code, findings["Kubeflow Pipelines"]["level"]) == (4, "problem")
    assert "http://127.0.0.1:9 does not answer" in findings["Kubeflow Pipelines"]["detail"]


@pytest.mark.parametrize(
    ("status", "level", "detail"),
    [(500, "problem", "/health answers 500"), (404, "problem", "answers 404"), (401, "warning", "asks for a login")],
)
def test_mlflow_is_judged_by_its_health(cluster, mlflow, status, level, detail):
    cluster.fail("GET /health", status=status)
    _, findings = preflight("--mlflow-uri", mlflow)
    assert (findings["MLflow"]["level"], detail in findings["MLflow"]["detail"]) == (level, True)


def test_a_password_in_mlflows_address_is_not_shown():
    code, findings = preflight("--mlflow-uri", "http://me:pass-word@127.0.0.1:9/base")
    assert (code, findings["MLflow"]["level"]) == (4, "problem")
    assert "http://127.0.0.1:9/base does not answer" in findings["MLflow"]["detail"]
    assert "pass-word" not in json.dumps(findings)


def test_an_mlflow_folder_is_not_a_server():
    _, findings = preflight("--mlflow-uri", "sqlite:///mlflow.db")
    assert (findings["MLflow"]["level"], findings["MLflow"]["detail"]) == (
        "warning",
        "not checked: sqlite:///mlflow.db is not a server",
    )
