"""The rendered GitOps directory: one Job, named by what it trains, that a restricted cluster takes as it is."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests import pod_security, schemas
from tests.platform.kfp_server import KfpServer, serving
from tests.platform.workspace import COMMIT, OPTIONS, PINNED_CPU, entp, entp_here, make_project

ASKED = ["retrain", "--commit", COMMIT, *OPTIONS]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout, which is also this process's folder."""
    for name in ("KFP_TOKEN", "KF_PIPELINES_SA_TOKEN_PATH", "ENTP_KFP_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(make_project(tmp_path))
    return tmp_path


@pytest.fixture
def rendered(project: Path) -> Path:
    entp_here(*ASKED, "--render", "deploy/retrain")
    return project / "deploy/retrain"


def job(folder: Path) -> Any:
    return yaml.safe_load((folder / "retrain-job.yaml").read_text())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def build(folder: Path) -> list[Any]:
    """What kustomize makes of the directory, as `kubectl apply -k` would send it."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed")
    command = ["kubectl", "kustomize", str(folder)]
    return list(yaml.safe_load_all(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def test_rendering_asks_no_server_and_tells_the_key(project):
    code, result, _ = entp(*ASKED, "--render", "deploy", cwd=project)
    assert (code, result["outcome"], result["changed"]) == (0, "rendered", True)
    assert job(project / "deploy")["metadata"]["name"] == result["name"] == f"entp-retrain-{result['key'][:12]}"


def test_rendering_again_changes_no_byte(project, rendered):
    before = contents(rendered)
    assert entp_here(*ASKED, "--render", "deploy/retrain")[1]["changed"] is False
    assert contents(rendered) == before
    entp_here(*ASKED, "--render", "elsewhere")
    assert contents(project / "elsewhere") == before


@pytest.mark.parametrize("file", ["dvc.lock", "params.yaml"])
def test_other_data_or_parameters_make_another_job(file, project, rendered):
    before = job(rendered)["metadata"]["name"]
    with (project / file).open("a") as text:
        text.write("\n# changed\n")
    assert entp_here(*ASKED, "--render", "deploy/retrain")[1]["changed"] is True
    assert job(rendered)["metadata"]["name"] != before
    assert (rendered / file).read_bytes() == (project / file).read_bytes()


@pytest.mark.parametrize("version", schemas.KUBERNETES_VERSIONS)
def test_the_job_is_valid(version, rendered):
    schemas.validate_builtin(job(rendered), version)


def test_the_job_satisfies_restricted_pod_security(rendered):
    pod_security.assert_restricted(job(rendered)["spec"]["template"]["spec"])


def test_the_pod_runs_as_our_user_and_writes_nowhere_but_tmp(rendered):
    pod = job(rendered)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]) == (10001, 0)
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert [m["mountPath"] for m in container["volumeMounts"] if not m.get("readOnly")] == ["/tmp"]
    assert container["image"] == PINNED_CPU


def test_the_job_knows_who_it_is_only_by_a_token_for_kubeflow_pipelines(rendered):
    pod = job(rendered)["spec"]["template"]["spec"]
    assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == ("entp-retrain", False)
    (token,) = [volume["projected"]["sources"] for volume in pod["volumes"] if "projected" in volume]
    assert token[0]["serviceAccountToken"]["audience"] == "pipelines.kubeflow.org"


def test_the_job_is_an_ordinary_one_that_stays_as_the_lock(rendered):
    resource = job(rendered)
    assert resource["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"] == "10"
    assert not [name for name in resource["metadata"]["annotations"] if "hook" in name]
    assert "ttlSecondsAfterFinished" not in resource["spec"]
    assert resource["spec"]["backoffLimit"] > 0
    assert resource["spec"]["activeDeadlineSeconds"] > 0


def test_a_failed_run_fails_the_job_at_once_and_an_eviction_does_not_count(rendered):
    ignored, final = job(rendered)["spec"]["podFailurePolicy"]["rules"]
    assert (ignored["action"], ignored["onPodConditions"][0]["type"]) == ("Ignore", "DisruptionTarget")
    assert (final["action"], final["onExitCodes"]["values"]) == ("FailJob", [2, 3, 5])


def test_kustomize_builds_the_directory_with_the_inputs_in_a_config_map(rendered):
    resources = {resource["kind"]: resource for resource in build(rendered)}
    inputs, built = resources["ConfigMap"], resources["Job"]
    assert set(resources) == {"ConfigMap", "Job"}
    assert inputs["data"] == {
        name: content.decode() for name, content in contents(rendered).items() if name in inputs["data"]
    }
    assert set(inputs["data"]) == {"dvc.lock", "params.yaml", "pipeline.yaml"}
    volumes = {volume["name"]: volume for volume in built["spec"]["template"]["spec"]["volumes"]}
    assert volumes["inputs"]["configMap"]["name"] == inputs["metadata"]["name"]
    assert {resource["metadata"]["namespace"] for resource in resources.values()} == {"entp"}
    for version in schemas.KUBERNETES_VERSIONS:
        schemas.validate_builtin(built, version)


def test_the_jobs_command_starts_the_run_of_the_jobs_name(tmp_path, rendered):
    """The container's own arguments, with the mounted files where the Job has them, in a folder without a checkout."""
    resource = job(rendered)
    container = resource["spec"]["template"]["spec"]["containers"][0]
    words = [word.replace("/inputs", str(rendered)) for word in container["args"]]
    (tmp_path / "elsewhere").mkdir()
    with serving(KfpServer(states=["SUCCEEDED"])) as server:
        code, result, _ = entp("retrain", *words, cwd=tmp_path / "elsewhere", ENTP_KFP_HOST=server.url)
        assert (container["command"], code, result["outcome"]) == (["entp", "retrain"], 0, "succeeded")
        assert [run["display_name"] for run in server.runs] == [resource["metadata"]["name"]]


def test_overrides_and_options_reach_the_jobs_command(project):
    entp_here(*ASKED, "--render", "deploy", "--experiment", "chats", "--namespace", "team", "mix.max_pairs=9")
    words = job(project / "deploy")["spec"]["template"]["spec"]["containers"][0]["args"]
    assert words[-1] == "mix.max_pairs=9"
    for option, value in (("--experiment", "chats"), ("--namespace", "team"), ("--commit", COMMIT)):
        assert words[words.index(option) + 1] == value


def test_a_directory_that_cannot_be_written_is_a_usage_error(project):
    (project / "file").write_text("")
    code, _, errors = entp(*ASKED, "--render", "file/deploy", cwd=project)
    assert code == 2
    assert "cannot write the manifests there" in errors
