"""Retraining: one run for one key, whoever asks, however often, and whatever breaks in between."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from entp.platform import kfp_api, package, retrain, submit
from entp.platform.submit import Start
from tests.platform.kfp_server import KfpServer, serving
from tests.platform.workspace import (
    COMMIT,
    GPU,
    IMAGES,
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

ASKED = ["retrain", "--commit", COMMIT, *OPTIONS]


@pytest.fixture
def server() -> Iterator[KfpServer]:
    with serving(KfpServer(states=["RUNNING"])) as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout, which is also this process's folder."""
    for name in ("KFP_TOKEN", "KF_PIPELINES_SA_TOKEN_PATH", "ENTP_KFP_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(make_project(tmp_path))
    return tmp_path


@pytest.fixture
def request_(project: Path) -> retrain.Request:
    pipeline = package.read(project / PACKAGE)
    return retrain.Request(COMMIT, LOCK.encode(), b"seed: 7\n", package.pin(pipeline, IMAGES, required=True))


@pytest.fixture
def start(request_: retrain.Request) -> Start:
    return Start(retrain.name(request_), {"seed": 7}, "entp", None, request_.package)


def ask(server: KfpServer, start: Start, takeover_after: float = 60.0, retry: bool = False) -> tuple[str, submit.Run]:
    """What one process does, with a connection of its own."""
    kfp = kfp_api.connect(server.url, "entp")
    return retrain.carry_out(kfp, retrain.plan(kfp, start.name, retry), start, COMMIT, takeover_after, lambda _: None)


def ask_at_once(
    number: int, server: KfpServer, start: Start, takeover_after: float = 60.0, retry: bool = False
) -> list[tuple[str, submit.Run]]:
    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(lambda _: ask(server, start, takeover_after, retry), range(number)))


def leave_version_without_run(server: KfpServer, start: Start) -> None:
    """What a process leaves behind that dies between creating the version and starting the run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(submit, "create", _die)
        with pytest.raises(ZeroDivisionError):
            ask(server, start)
    assert len(server.versions) == 1
    assert not server.runs


def _die(*_arguments: Any) -> None:
    raise ZeroDivisionError


# The key


def test_the_key_depends_on_every_part_and_on_nothing_else(request_):
    other_pipeline = replace(request_.package, spec=request_.package.spec | {"sdkVersion": "kfp-9"})
    other_image = package.pin(request_.package, {PINNED_GPU: PINNED_GPU.replace("9", "8")}, required=True)
    changed = [
        replace(request_, commit="0" * 40),
        replace(request_, dvc_lock=b"schema: '2.0'\n"),
        replace(request_, params=b"seed: 8\n"),
        replace(request_, package=other_image),
        replace(request_, package=other_pipeline),
        replace(request_, overrides=("mix.max_pairs=9",)),
    ]
    keys = {retrain.key(request) for request in [request_, *changed]}
    assert len(keys) == 1 + len(changed)
    assert retrain.key(replace(request_)) == retrain.key(request_)


def test_the_name_is_a_valid_kubernetes_name_made_of_the_key(request_):
    assert retrain.name(request_) == f"entp-retrain-{retrain.key(request_)[:12]}"


# Starting


@pytest.mark.usefixtures("project")
def test_the_first_to_ask_starts_a_run_of_an_uploaded_version(server):
    code, result, _ = entp_here(*ASKED, "--host", server.url)
    assert (code, result["decision"], result["outcome"]) == (0, "started", "running")
    (run,), (version,), (pipeline,) = server.runs, server.versions, server.pipelines
    assert run["display_name"] == version["name"] == result["name"] == f"entp-retrain-{result['key'][:12]}"
    assert (pipeline["display_name"], pipeline["namespace"]) == ("entp-purge-mix-sft", "entp")
    assert run["pipeline_version_reference"]["pipeline_version_id"] == version["pipeline_version_id"]
    assert run["service_account"] == "entp-pipeline"
    uploaded = json.dumps(version["pipeline_spec"])
    assert PINNED_CPU in uploaded
    assert GPU not in uploaded
    parameters = run["runtime_config"]["parameters"]
    assert (parameters["pool_name"], parameters["pool_md5"]) == ("chats", "3f2a7fdd1f2ca655f006faed36fa33b7.dir")
    assert parameters["dvc_lock"] == LOCK
    assert parameters["mix"]["max_pairs"] == 8


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("state", ["PENDING", "RUNNING", "PAUSED", "SUCCEEDED"])
def test_a_run_that_is_going_or_has_succeeded_is_adopted(state, server):
    entp_here(*ASKED, "--host", server.url)
    server.runs[0]["state"] = state
    code, result, _ = entp_here(*ASKED, "--host", server.url)
    assert (code, result["decision"], result["run_id"]) == (0, "adopted", server.runs[0]["run_id"])
    assert len(server.runs) == 1


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(("state", "code"), [("FAILED", 3), ("CANCELED", 5), ("SKIPPED", 3)])
def test_a_run_that_failed_or_was_canceled_is_repeated_only_with_retry(state, code, server):
    name = entp_here(*ASKED, "--host", server.url)[1]["name"]
    server.runs[0]["state"] = state
    exit_code, result, errors = entp_here(*ASKED, "--host", server.url, "--wait")
    assert (exit_code, result["decision"], len(server.runs)) == (code, "refused", 1)
    assert f"{name}: this run is {state}; --retry repeats it" in errors

    exit_code, result, _ = entp_here(*ASKED, "--host", server.url, "--retry")
    assert (exit_code, result["decision"], result["name"]) == (0, "started", f"{name}-r2")
    assert [run["display_name"] for run in server.runs] == [name, f"{name}-r2"]


@pytest.mark.usefixtures("project")
def test_retries_are_counted_and_the_last_one_decides(server):
    name = entp_here(*ASKED, "--host", server.url)[1]["name"]
    server.runs[0]["state"] = "FAILED"
    server.add_run(f"{name}-r2", "FAILED")
    assert entp_here(*ASKED, "--host", server.url)[1]["name"] == f"{name}-r2"
    assert entp_here(*ASKED, "--host", server.url, "--retry")[1]["name"] == f"{name}-r3"
    server.runs[-1]["state"] = "SUCCEEDED"
    code, result, _ = entp_here(*ASKED, "--host", server.url)
    assert (code, result["decision"], result["name"]) == (0, "adopted", f"{name}-r3")


@pytest.mark.usefixtures("project")
def test_waiting_for_an_adopted_run_ends_with_its_state(server):
    server.states = ["RUNNING", "CANCELED"]
    entp_here(*ASKED, "--host", server.url)
    code, result, _ = entp_here(*ASKED, "--host", server.url, "--wait")
    assert (code, result["decision"], result["outcome"]) == (5, "adopted", "canceled")


@pytest.mark.usefixtures("project")
def test_a_dry_run_tells_everything_and_changes_nothing(server):
    code, result, _ = entp_here(*ASKED, "--host", server.url, "--dry-run", "mix.max_pairs=9")
    assert (code, result["outcome"], result["decision"], result["found"]) == (0, "dry_run", "start", None)
    assert result["parts"]["commit"] == COMMIT
    assert result["parts"]["images"] == sorted([PINNED_CPU, PINNED_GPU])
    assert result["parts"]["overrides"] == ["mix.max_pairs=9"]
    assert result["arguments"]["mix"]["max_pairs"] == 9
    assert {call.method for call in server.requests} == {"GET"}


@pytest.mark.usefixtures("project")
def test_a_dry_run_shows_the_run_that_kfp_has(server):
    entp_here(*ASKED, "--host", server.url)
    server.runs[0]["state"] = "FAILED"
    code, result, _ = entp_here(*ASKED, "--host", server.url, "--dry-run")
    assert (code, result["decision"], result["found"]["state"]) == (0, "refuse", "FAILED")


def test_the_commit_is_that_of_the_checkout_unless_it_is_given(server, project):
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run([*git, *command], cwd=project, check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], cwd=project, check=True, capture_output=True, text=True).stdout
    result = entp_here("retrain", *OPTIONS, "--host", server.url, "--dry-run")[1]
    assert result["parts"]["commit"] == head.strip()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (OPTIONS, "give --commit"),
        (["--commit", "4b6796e", *OPTIONS], "expected the full id"),
        (["--commit", COMMIT], "images must be pinned by digest"),
        (["--commit", COMMIT, *OPTIONS, "--dvc-lock", "nowhere.lock"], "nowhere.lock"),
    ],
)
def test_a_wrong_command_is_a_usage_error_and_asks_nothing(arguments, message, server, project):
    code, result, errors = entp("retrain", "--host", server.url, *arguments, cwd=project)
    assert (code, result["outcome"]) == (2, "error")
    assert message in errors
    assert not server.requests


def test_a_refused_token_is_an_environment_error(server, project):
    server.token = "another"
    code, result, errors = entp(*ASKED, "--host", server.url, cwd=project, KFP_TOKEN="not-a-real-token")
    assert (code, result["outcome"]) == (4, "error")
    assert "does not accept the token in KFP_TOKEN" in errors
    assert "not-a-real-token" not in errors + json.dumps(result)


# At once


@pytest.mark.parametrize(
    "faults",
    [
        [],
        [("POST .*/upload_version", {"drop": True, "late": True}), ("POST .*/runs", {"status": 503, "late": True})],
        [("POST .*/upload_version", {"status": 503}), ("POST .*/runs", {"status": 429}), ("GET .*", {"status": 500})],
    ],
)
def test_two_processes_at_once_start_exactly_one_run(faults, server, project):
    for request, fault in faults:
        server.fail(request, **fault)
    processes = [start_entp(*ASKED, "--host", server.url, cwd=project) for _ in range(2)]
    results = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert len(server.runs) == 1
    assert {result["run_id"] for result in results} == {server.runs[0]["run_id"]}
    assert sorted(result["decision"] for result in results) == ["adopted", "started"]


FAULTS = {
    "none": [],
    "versions are created but the answers are lost": [
        ("POST .*/upload_version", {"drop": True, "late": True, "times": 4})
    ],
    "runs are created but the answers are lost": [("POST .*/runs", {"status": 503, "late": True, "times": 4})],
    "the server is overloaded": [("(GET|POST) .*", {"status": 429, "times": 12})],
    "connections break": [("(GET|POST) .*", {"drop": True, "times": 12})],
    "answers come late": [("POST .*", {"seconds": 0.3, "times": 12})],
    "an older server answers 500 for a name that is taken": [("POST .*/upload_version", {"status": 500, "times": 7})],
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS.keys())
def test_many_at_once_start_exactly_one_run(faults, server, start):
    for request, fault in faults:
        server.fail(request, **fault)
    outcomes = ask_at_once(12, server, start)
    assert len(server.runs) == 1
    assert {run.run_id for _, run in outcomes} == {server.runs[0]["run_id"]}
    assert [decision for decision, _ in outcomes].count("started") == 1
    assert (len(server.versions), len(server.pipelines), len(server.experiments)) == (1, 1, 1)


def test_many_retries_at_once_start_exactly_one_run(server, start):
    server.add_run(start.name, "FAILED")
    server.fail("POST .*", drop=True, late=True, times=6)
    outcomes = ask_at_once(8, server, start, retry=True)
    assert [run["display_name"] for run in server.runs] == [start.name, f"{start.name}-r2"]
    assert {run.run_id for _, run in outcomes} == {server.runs[1]["run_id"]}


def test_a_pipeline_and_an_experiment_that_somebody_else_just_made_are_used(server, start):
    server.fail("POST .*/pipelines", status=409, late=True)
    server.fail("POST .*/experiments", status=409, late=True)
    assert ask(server, start)[0] == "started"
    assert (len(server.pipelines), len(server.experiments)) == (1, 1)


def test_the_run_of_a_starter_that_died_is_taken_over(server, start):
    leave_version_without_run(server, start)
    decision, run = ask(server, start, takeover_after=0.5)
    assert (decision, run.run_id) == ("started", server.runs[0]["run_id"])
    assert server.runs[0]["pipeline_version_reference"]["pipeline_version_id"] == run.version_id


def test_a_starter_that_is_only_slow_is_waited_for(server, start):
    server.fail("POST .*/runs", seconds=2.0)
    outcomes = ask_at_once(3, server, start, takeover_after=30.0)
    assert len(server.runs) == 1
    assert sorted(decision for decision, _ in outcomes) == ["adopted", "adopted", "started"]


def test_of_many_that_take_over_at_once_one_run_is_left_going(server, start):
    leave_version_without_run(server, start)
    ask_at_once(6, server, start, takeover_after=0.0)
    (left,) = server.live(start.name)
    oldest = min(server.runs, key=lambda run: (run["created_at"], run["run_id"]))
    assert left is oldest


# Doubles


def test_a_starter_that_finds_an_older_run_ends_its_own(server, start):
    """The winner was given up while it was stuck; another has started the run meanwhile."""
    kfp = kfp_api.connect(server.url, "entp")
    version = {"pipeline_version_reference": {"pipeline_id": "p", "pipeline_version_id": "v"}}
    older = server.add_run(start.name, "RUNNING", created_at="2026-11-24T10:00:01Z", **version)
    own = server.add_run(start.name, "RUNNING", created_at="2026-11-24T10:00:02Z", **version)
    run = retrain.the_run(kfp, submit.get(kfp, own["run_id"]))
    assert run.run_id == older["run_id"]
    assert own["state"] == "CANCELING"


def test_runs_of_the_same_second_are_told_apart_by_their_ids(server, start):
    """Whoever looks last ends the other, even when its own run is the later one of the two."""
    kfp = kfp_api.connect(server.url, "entp")
    version = {"pipeline_version_reference": {"pipeline_id": "p", "pipeline_version_id": "v"}}
    same = {"created_at": "2026-11-24T10:00:01Z", **version}
    other = server.add_run(start.name, "RUNNING", **same | {"run_id": "b"})
    own = server.add_run(start.name, "RUNNING", **same | {"run_id": "a"})
    assert retrain.the_run(kfp, submit.get(kfp, "a")).run_id == "a"
    assert (own["state"], other["state"]) == ("RUNNING", "CANCELING")


def test_who_waits_for_a_run_that_is_ended_as_a_double_follows_the_other(server, start):
    kfp = kfp_api.connect(server.url, "entp")
    version = {"pipeline_version_reference": {"pipeline_id": "p", "pipeline_version_id": "v"}}
    same = {"created_at": "2026-11-24T10:00:01Z", **version}
    server.add_run(start.name, "CANCELED", **same | {"run_id": "b"})
    server.add_run(start.name, "RUNNING", **same | {"run_id": "a", "_next": ["RUNNING", "SUCCEEDED"]})
    run = retrain.wait(kfp, submit.get(kfp, "b"), None, lambda _: None)
    assert (run.run_id, run.state) == ("a", "SUCCEEDED")


def test_a_run_of_the_same_name_but_another_pipeline_is_left_alone(server, start):
    kfp = kfp_api.connect(server.url, "entp")
    foreign = server.add_run(start.name, "RUNNING", created_at="2026-11-24T10:00:00Z")
    version = {"pipeline_version_reference": {"pipeline_id": "p", "pipeline_version_id": "v"}}
    own = server.add_run(start.name, "RUNNING", **version)
    assert retrain.the_run(kfp, submit.get(kfp, own["run_id"])).run_id == own["run_id"]
    assert foreign["state"] == "RUNNING"
