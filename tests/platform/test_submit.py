"""Submitting runs to a server that speaks KFP's REST interface, and waiting for them."""

from __future__ import annotations

import json
import re
import signal
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from entp import config, params
from entp.errors import EntpError, SetupError, UsageError
from entp.platform import arguments, kfp_api, package, submit
from tests.pipelines.compiled import IR_FILES, compiled_folder
from tests.platform.kfp_server import KfpServer, serving
from tests.platform.workspace import (
    LOCK,
    OPTIONS,
    PACKAGE,
    PINNED_CPU,
    PINNED_GPU,
    entp,
    entp_here,
    make_project,
    start_entp,
)

ROOT = Path(__file__).parents[2]
REFUSED_TOKEN = "not-a-real-token"


@pytest.fixture
def server() -> Iterator[KfpServer]:
    with serving(KfpServer()) as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout, which is also this process's folder."""
    for name in ("KFP_TOKEN", "KF_PIPELINES_SA_TOKEN_PATH", "ENTP_KFP_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(make_project(tmp_path))
    return tmp_path


@pytest.fixture
def kfp(server: KfpServer, monkeypatch: pytest.MonkeyPatch) -> kfp_api.Kfp:
    """A connection of this process, for what needs no command line."""
    for name in ("KFP_TOKEN", "KF_PIPELINES_SA_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    return kfp_api.connect(server.url, "entp")


@pytest.fixture
def start(project: Path) -> submit.Start:
    pipeline = package.read(project / PACKAGE)
    return submit.Start("some-run", {"seed": 1}, "entp", None, pipeline)


def silent(_message: str) -> None:
    pass


# What arrives


def test_the_run_gets_the_configuration_as_its_arguments(server, project):
    code, result, _ = entp("submit", *OPTIONS, "--host", server.url, "mix.answer_tries=5", cwd=project)
    assert (code, result["outcome"], result["decision"]) == (0, "running", "started")
    (run,) = server.runs
    expected = params.load(project / "params.yaml", ["mix.answer_tries=5", "mix.in_flight=512", "train.lora_rank=64"])
    assert run["runtime_config"]["parameters"] == {
        "seed": 7,
        "mix": expected.mix.model_dump(mode="json", exclude_none=True),
        "train": expected.train.model_dump(mode="json", exclude_none=True),
        "pool_name": "chats",
        "pool_md5": "3f2a7fdd1f2ca655f006faed36fa33b7.dir",
        "dvc_lock": LOCK,
    }
    assert result["run_id"] == run["run_id"]


@pytest.mark.parametrize(
    ("params", "overrides", "value"),
    [
        ("", [], 512),
        ("mix: {in_flight: null}", [], 512),
        ("mix: {in_flight: 9}", [], 9),
        ("mix: {in_flight: 9}", ["mix.in_flight=8"], 8),
    ],
    ids=["the profile's default", "the code's default is no change", "params.yaml before it", "overrides before both"],
)
def test_what_a_run_takes_from_profile_params_and_overrides(params, overrides, value, start, project):
    (project / "params.yaml").write_text(params)
    assert arguments.configuration(start.package, project / "params.yaml", overrides).mix.in_flight == value


def test_the_pool_is_the_one_that_dvc_lock_records():
    given = arguments.of_data(LOCK.encode())
    assert given == {"pool_name": "chats", "pool_md5": "3f2a7fdd1f2ca655f006faed36fa33b7.dir", "dvc_lock": LOCK}


def test_the_projects_own_lock_means_the_sample_pool_of_the_image():
    given = arguments.of_data((ROOT / "dvc.lock").read_bytes())
    assert (given["pool_name"], given["pool_md5"]) == ("pool", "")


@pytest.mark.parametrize("lock", [b"", b"schema: '2.0'\n", b"{"])
def test_a_lock_without_the_pool_is_a_usage_error(lock):
    with pytest.raises(UsageError, match="dvc repro"):
        arguments.of_data(lock)


@pytest.mark.parametrize("name", IR_FILES)
def test_every_pipeline_of_the_project_gets_arguments_it_declares(name):
    pipeline = package.read(compiled_folder() / name)
    values = arguments.complete(pipeline, arguments.configuration(pipeline, ROOT / "params.yaml", []), {})
    assert "seed" in values
    assert set(values) <= set(pipeline.parameters)
    assert values["llm"]["model"] == pipeline.parameters["llm"]["defaultValue"]["model"]
    assert "null" not in json.dumps(values)


@pytest.mark.usefixtures("project")
def test_the_run_carries_the_pinned_package_and_its_platform_spec(server):
    entp_here("submit", *OPTIONS, "--host", server.url)
    content = server.runs[0]["pipeline_spec"]
    executors = content["pipeline_spec"]["deploymentSpec"]["executors"]
    assert {executor["container"]["image"] for executor in executors.values()} == {PINNED_CPU, PINNED_GPU}
    assert "entp-models" in json.dumps(content["platform_spec"])


@pytest.mark.usefixtures("project")
def test_caching_stays_on(server):
    entp_here("submit", *OPTIONS, "--host", server.url)
    tasks = server.runs[0]["pipeline_spec"]["pipeline_spec"]["root"]["dag"]["tasks"]
    assert [task["cachingOptions"] for task in tasks.values()] == [{"enableCache": True}] * 2


@pytest.mark.usefixtures("project")
def test_the_run_belongs_to_experiment_namespace_and_service_account(server):
    options = ["--experiment", "chats", "--namespace", "team", "--name", "by-hand", "--pipeline-root", "s3://b/p"]
    entp_here("submit", *OPTIONS, "--host", server.url, *options)
    (run,), (experiment,) = server.runs, server.experiments
    assert (experiment["display_name"], experiment["namespace"]) == ("chats", "team")
    assert run["experiment_id"] == experiment["experiment_id"]
    assert (run["display_name"], run["service_account"]) == ("by-hand", "entp-pipeline")
    assert run["runtime_config"]["pipeline_root"] == "s3://b/p"


@pytest.mark.usefixtures("project")
def test_other_parameters_of_the_pipeline_are_given_the_same_way(server):
    given = [
        "require_approval=yes",
        "approval_hours=2",
        "pool_md5=12345678901234567890123456789012",
        'cells=["a", "b"]',
    ]
    entp_here("submit", *OPTIONS, "--host", server.url, *given)
    parameters = server.runs[0]["runtime_config"]["parameters"]
    assert parameters["require_approval"] == "yes", "a string, though YAML reads it as true"
    assert parameters["approval_hours"] == 2
    assert parameters["pool_md5"] == "12345678901234567890123456789012", "a string, though it looks like a number"
    assert parameters["cells"] == ["a", "b"]


@pytest.mark.usefixtures("project")
def test_two_submits_are_two_runs_of_different_names(server):
    names = {entp_here("submit", *OPTIONS, "--host", server.url)[1]["name"] for _ in range(2)}
    assert names == {run["display_name"] for run in server.runs}
    assert len(names) == 2


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(server, project):
    code, result, _ = entp("submit", *OPTIONS, "--dry-run", "--host", server.url, "mix.max_pairs=3", cwd=project)
    assert (code, result["outcome"]) == (0, "dry_run")
    assert result["arguments"]["mix"]["max_pairs"] == 3
    assert result["images"] == sorted([PINNED_CPU, PINNED_GPU])
    assert not server.requests


def test_without_a_lock_the_pool_is_the_pipelines_default(project):
    (project / "dvc.lock").unlink()
    (project / "params.yaml").unlink()
    _, result, _ = entp("submit", *OPTIONS, "--dry-run", cwd=project)
    assert "pool_md5" not in result["arguments"]
    assert result["arguments"]["seed"] == 42


# Usage


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([*OPTIONS, "approval_hours=long"], "the pipeline expects NUMBER_DOUBLE"),
        ([*OPTIONS, "approval_hours=true"], "the pipeline expects NUMBER_DOUBLE"),
        ([*OPTIONS, "--dvc-lock", "nowhere.lock"], "nowhere.lock: cannot be read"),
        ([*OPTIONS, "mix.max_pair=3"], "did you mean `mix.max_pairs`?"),
        (OPTIONS[:4], "images must be pinned by digest: add --image gpu=registry.example.com/entp/gpu@sha256:"),
        (["--image", "nonsense"], "expected OLD=NEW"),
        (["--profile", "tpu"], "the profiles are cpu, gpu, gpu-spot"),
    ],
)
def test_a_wrong_command_is_a_usage_error_and_starts_nothing(words, message, server, project):
    code, result, errors = entp("submit", "--host", server.url, *words, cwd=project)
    assert (code, result["outcome"]) == (2, "error")
    assert message in errors
    assert not server.requests


def test_without_an_address_the_variable_is_named(project):
    code, _, errors = entp("submit", *OPTIONS, cwd=project)
    assert code == 2
    assert "give --host or set ENTP_KFP_HOST" in errors


def test_a_parameter_without_value_or_default_is_asked_for(start):
    needed = {"root": {"inputDefinitions": {"parameters": {"pool_md5": {"parameterType": "STRING"}}}}}
    pipeline = replace(start.package, spec=start.package.spec | needed)
    with pytest.raises(UsageError, match=r"needs a value for pool_md5: add pool_md5="):
        arguments.complete(pipeline, config.Config(), {})


@pytest.mark.usefixtures("project")
def test_images_may_stay_unpinned_where_that_is_said(server):
    code, _, _ = entp_here("submit", "--unpinned", "--host", server.url)
    assert (code, len(server.runs)) == (0, 1)


# Waiting


@pytest.mark.parametrize(
    ("states", "code", "outcome"),
    [
        (["RUNNING", "PAUSED", "SUCCEEDED"], 0, "succeeded"),
        (["FAILED"], 3, "failed"),
        (["SKIPPED"], 3, "skipped"),
        (["CANCELING", "CANCELED"], 5, "canceled"),
    ],
)
@pytest.mark.usefixtures("project")
def test_waiting_ends_with_the_run_and_exits_by_its_state(states, code, outcome, server):
    server.states = states
    exit_code, result, errors = entp_here("submit", "--wait", "--timeout", "60", *OPTIONS, "--host", server.url)
    assert (exit_code, result["outcome"], result["state"]) == (code, outcome, states[-1])
    assert errors.endswith(states[-1])
    assert result["error"] == ("the step train failed" if outcome == "failed" else None)


@pytest.mark.usefixtures("project")
def test_a_wait_that_times_out_leaves_the_run_going(server):
    server.states = ["RUNNING"]
    options = ["--wait", "--timeout", "1", "--host", server.url]
    code, result, _ = entp_here("submit", *options, *OPTIONS)
    assert (code, result["outcome"], result["state"]) == (6, "timed_out", "RUNNING")
    assert not server.calls("POST .*:terminate")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_wait_leaves_the_run_going(number, server, project):
    server.states = ["RUNNING"]
    process = start_entp("submit", "--wait", *OPTIONS, "--host", server.url, cwd=project)
    for line in process.stderr:
        if line.rstrip().endswith(": RUNNING"):
            break
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    result = json.loads(output)
    assert (result["outcome"], result["run_id"]) == ("interrupted", server.runs[0]["run_id"])
    assert "the run goes on" in errors
    assert not server.calls("POST .*:terminate")


def test_a_wait_outlives_a_server_that_is_away_for_a_while(server, kfp, start):
    server.states = ["RUNNING", "SUCCEEDED"]
    server.fail("GET .*/runs/[^/]+", status=503, times=2)
    server.fail("GET .*/runs/[^/]+", drop=True)
    assert submit.wait(kfp, submit.submit(kfp, start), None, silent).state == "SUCCEEDED"


# Who one is


def test_the_token_comes_from_the_environment(server, project):
    server.token = "from-the-environment"
    code, _, _ = entp("submit", *OPTIONS, "--host", server.url, cwd=project, KFP_TOKEN=server.token)
    assert code == 0
    assert {call.authorization for call in server.requests} == {"Bearer from-the-environment"}


def test_the_token_of_the_pod_goes_before_and_is_read_for_each_request(server, tmp_path, monkeypatch):
    path = tmp_path / "token"
    path.write_text("first\n")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(path))
    monkeypatch.setenv("KFP_TOKEN", "unused")
    kfp = kfp_api.connect(server.url, "entp")
    submit.find_runs(kfp, "any")
    path.write_text("renewed\n")
    submit.find_runs(kfp, "any")
    assert [call.authorization for call in server.requests] == ["Bearer first", "Bearer renewed"]


def test_a_token_file_that_is_named_but_missing_is_an_environment_error(server, tmp_path, monkeypatch):
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "missing"))
    with pytest.raises(SetupError, match="missing: no service account token there"):
        kfp_api.connect(server.url, "entp")


def test_a_refused_token_is_an_environment_error_that_does_not_show_it(server, project):
    server.token = "another"
    code, result, errors = entp("submit", *OPTIONS, "--host", server.url, cwd=project, KFP_TOKEN=REFUSED_TOKEN)
    assert code == 4
    assert f"{server.url} answered 401: it does not accept the token in KFP_TOKEN" in errors
    assert REFUSED_TOKEN not in errors + json.dumps(result)
    assert len(server.requests) == 1, "asking again would not help"


def test_a_proxy_that_repeats_the_token_does_not_get_it_into_the_message(server, monkeypatch):
    monkeypatch.setenv("KFP_TOKEN", REFUSED_TOKEN)
    server.fail("GET .*/runs", status=403, body=json.dumps({"message": f"denied: Bearer {REFUSED_TOKEN}"}))
    with pytest.raises(SetupError, match=r"denied: Bearer \*\*\*"):
        submit.find_runs(kfp_api.connect(server.url, "entp"), "any")


# Faults


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"status": 403}, "no token may not do this in namespace entp .*Bind it to a Role"),
        ({"status": 404}, "answered 404 .*Kubeflow's gateway has it under /pipeline"),
        ({"status": 302, "body": "<html>"}, "answered 302: it does not accept no token"),
        ({"status": 400}, "answered 400: injected"),
        ({"status": 200, "body": "<html>dashboard</html>"}, "answers with text/html.*under /pipeline"),
    ],
)
def test_a_lasting_refusal_names_the_address_and_a_remedy(fault, message, server, kfp):
    server.fail("GET .*/runs", times=99, **fault)
    with pytest.raises(SetupError, match=f"could not list runs: {re.escape(server.url)}.*{message}") as caught:
        submit.find_runs(kfp, "any")
    assert caught.value.exit_code == 4
    assert len(server.requests) == 1


def test_a_server_that_is_not_there_is_an_environment_error_with_a_remedy(monkeypatch):
    monkeypatch.setattr(kfp_api, "PATIENCE", 0.0)
    monkeypatch.delenv("KFP_TOKEN", raising=False)
    with pytest.raises(SetupError, match=r"127\.0\.0\.1:9 does not answer .*refused.*port-forward"):
        submit.find_runs(kfp_api.connect("http://127.0.0.1:9", "entp"), "any")


def test_a_server_that_is_too_slow_is_an_environment_error(server, kfp, monkeypatch):
    monkeypatch.setattr(kfp_api, "PATIENCE", 0.0)
    monkeypatch.setattr(kfp_api, "REQUEST_TIMEOUT", (1.0, 0.2))
    server.fail("GET .*/runs", seconds=2.0)
    with pytest.raises(SetupError, match=r"does not answer .*timed out"):
        submit.find_runs(kfp, "any")


@pytest.mark.parametrize("fault", [{"status": 429}, {"status": 503}, {"status": 500}, {"drop": True}])
@pytest.mark.parametrize("late", [False, True])
def test_a_busy_or_broken_server_is_asked_again_and_runs_the_pipeline_once(fault, late, server, kfp, start):
    for request in ("GET .*/experiments", "POST .*/experiments", "POST .*/runs", "GET .*/runs"):
        server.fail(request, late=late, **fault)
    run = submit.submit(kfp, start)
    assert [known["run_id"] for known in server.runs] == [run.run_id]
    assert len(server.experiments) == 1


def test_a_start_that_takes_effect_after_its_answer_was_given_up_is_ended(server, kfp, start, monkeypatch):
    """The first request times out, is not there when looked for, and is carried out beside the second."""
    monkeypatch.setattr(kfp_api, "REQUEST_TIMEOUT", (1.0, 0.5))
    server.fail("POST .*/runs", seconds=0.8)
    server.fail("POST .*/runs", seconds=0.45)
    run = submit.submit(kfp, start)
    assert len(server.runs) == 2
    assert [known["run_id"] for known in server.live("some-run")] == [run.run_id]


def test_a_server_that_stays_busy_is_given_up(server, kfp, monkeypatch):
    monkeypatch.setattr(kfp_api, "PATIENCE", 1.0)
    server.fail("GET .*/runs", status=503, times=99)
    with pytest.raises(EntpError, match="answered 503"):
        submit.find_runs(kfp, "any")
    assert len(server.requests) > 1


# Runs of one name


def test_runs_of_a_name_are_found_on_all_pages_the_oldest_first(server, kfp):
    server.page_size = 2
    for second in (4, 2, 5, 1, 3):
        server.add_run("wanted", "RUNNING", created_at=f"2026-11-24T10:00:0{second}Z")
        server.add_run("other", "RUNNING")
    found = submit.find_runs(kfp, "wanted")
    assert [run.created_at.second for run in found] == [1, 2, 3, 4, 5]
    assert len(server.calls("GET .*/runs")) == 3


def test_the_oldest_run_is_kept_and_the_others_are_terminated(server, kfp):
    ids = [add(server, second)["run_id"] for second in (2, 1, 3)]
    kept = submit.keep_oldest(kfp, submit.find_runs(kfp, "double"))
    assert kept.run_id == ids[1]
    assert {call.path.split("/")[-1] for call in server.calls("POST .*:terminate")} == {
        f"{ids[0]}:terminate",
        f"{ids[2]}:terminate",
    }


def test_a_lost_answer_to_a_termination_is_no_failure(server, kfp):
    add(server, 1)
    double = add(server, 2)
    server.fail("POST .*:terminate", drop=True, late=True)
    submit.keep_oldest(kfp, submit.find_runs(kfp, "double"))
    assert double["state"] in submit.ENDING


def add(server: KfpServer, second: int) -> dict[str, Any]:
    return server.add_run("double", "RUNNING", created_at=f"2026-11-24T10:00:0{second}Z", run_id=str(uuid.uuid4()))
