"""The CI examples: their scripts are run as they stand, in clones of a real Git remote."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.platform.workspace import PINNED_CPU, PINNED_GPU, make_project

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples/gitops"
WATCHED = ["dvc.lock", "params.yaml"]


def github() -> Any:
    return yaml.safe_load((EXAMPLES / "github-actions.yaml").read_text())


def gitlab() -> Any:
    return yaml.safe_load((EXAMPLES / "gitlab-ci.yaml").read_text())


def github_script() -> str:
    steps = {step.get("name"): step for step in github()["jobs"]["render"]["steps"]}
    return steps["render"]["run"] + steps["commit"]["run"]


def gitlab_script() -> str:
    return "\n".join(gitlab()["retrain"]["script"])


BOTH = pytest.mark.parametrize("script", [github_script(), gitlab_script()], ids=["GitHub", "GitLab"])


def git(*words: str | Path, cwd: Path) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *words]
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A working copy."""
    copy = make_project(tmp_path / "copy")
    git("init", "--quiet", "--initial-branch=main", cwd=copy)
    git("add", ".", cwd=copy)
    git("commit", "--quiet", "--message=first", cwd=copy)
    return copy


@pytest.fixture
def origin(project: Path, tmp_path: Path) -> Path:
    """The remote of the working copy."""
    bare = tmp_path / "project.git"
    git("init", "--quiet", "--bare", "--initial-branch=main", bare, cwd=project)
    git("config", "receive.advertisePushOptions", "true", cwd=bare)
    git("remote", "add", "origin", bare, cwd=project)
    git("push", "--quiet", "origin", "main", cwd=project)
    return bare


def run_ci(script: str, origin: Path, folder: Path) -> None:
    """Run the script as the CI would: in a fresh clone, with `entp` on the path, stopping at the first error."""
    git("clone", "--quiet", origin, folder, cwd=origin)
    tools = origin.parent / "tools"
    tools.mkdir(exist_ok=True)
    (tools / "entp").write_text(f"#!{sys.executable}\nfrom entp.cli import main\n\nmain()\n")
    (tools / "entp").chmod(0o755)
    images = {"CPU_IMAGE": PINNED_CPU, "GPU_IMAGE": PINNED_GPU}
    variables = images | {f"ENTP_{name}": image for name, image in images.items()}
    variables |= {"CI_DEFAULT_BRANCH": "main", "CI_PROJECT_URL": str(origin.with_suffix(""))}
    variables |= {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(origin.parent)}
    subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=folder, check=True, env=variables)


def merge(project: Path, file: str) -> str:
    """Change the file on main; returns the commit."""
    git("pull", "--quiet", "--rebase", "origin", "main", cwd=project)
    with (project / file).open("a") as text:
        text.write("\n# changed\n")
    git("commit", "--quiet", "--all", f"--message=change {file}", cwd=project)
    git("push", "--quiet", "origin", "main", cwd=project)
    return git("rev-parse", "HEAD", cwd=project)


def rendered_folder(script: str) -> str:
    (folder,) = re.findall(r"--render (\S+)", script)
    return str(folder)


def job_name(origin: Path, folder: str) -> str:
    return str(yaml.safe_load(git("show", f"main:{folder}/retrain-job.yaml", cwd=origin))["metadata"]["name"])


@BOTH
def test_the_manifests_are_committed_and_nothing_else(script, origin, tmp_path):
    merged = git("rev-parse", "main", cwd=origin)
    run_ci(script, origin, tmp_path / "first")
    changed = git("show", "--name-only", "--format=", "main", cwd=origin).split()
    pipelines = "deploy/pipelines/gpu"
    assert {Path(file).parent.as_posix() for file in changed} == {
        rendered_folder(script),
        pipelines,
        f"{pipelines}/kubernetes",
    }
    assert merged in git("show", f"main:{rendered_folder(script)}/retrain-job.yaml", cwd=origin)


@BOTH
def test_running_again_commits_nothing(script, origin, tmp_path):
    run_ci(script, origin, tmp_path / "first")
    committed = git("rev-parse", "main", cwd=origin)
    run_ci(script, origin, tmp_path / "second")
    assert git("rev-parse", "main", cwd=origin) == committed


@pytest.mark.parametrize("file", WATCHED)
def test_a_merge_of_data_or_parameters_commits_another_job(file, project, origin, tmp_path):
    script = github_script()
    run_ci(script, origin, tmp_path / "first")
    before = job_name(origin, rendered_folder(script))
    merged = merge(project, file)
    run_ci(script, origin, tmp_path / "second")
    assert job_name(origin, rendered_folder(script)) != before
    assert merged in git("show", f"main:{rendered_folder(script)}/retrain-job.yaml", cwd=origin)


def test_both_render_the_same_job(origin, tmp_path):
    run_ci(github_script(), origin, tmp_path / "first")
    committed = git("rev-parse", "main", cwd=origin)
    run_ci(gitlab_script(), origin, tmp_path / "second")
    assert git("rev-parse", "main", cwd=origin) == committed


def test_only_a_push_of_data_or_parameters_to_main_starts_them():
    trigger = github()[True]
    assert trigger == {"push": {"branches": ["main"], "paths": WATCHED}}, "YAML reads the key `on` as true"
    assert list(gitlab()) == ["retrain"]
    (rule,) = gitlab()["retrain"]["rules"]
    assert rule["changes"] == WATCHED
    assert rule["if"] == '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH'


def test_the_commit_of_gitlab_starts_no_pipeline():
    (push,) = [line for line in gitlab()["retrain"]["script"] if "git push" in line]
    assert "--push-option=ci.skip" in push


def test_actions_are_pinned_by_commit_with_their_version_beside():
    uses = [line for line in (EXAMPLES / "github-actions.yaml").read_text().splitlines() if "uses:" in line]
    assert uses
    assert all(re.fullmatch(r"\s*- uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) for line in uses)


def test_the_workflow_has_the_one_right_it_needs():
    assert github()["permissions"] == {"contents": "write"}
