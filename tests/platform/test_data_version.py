"""DVC without Git, against a real S3 server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from entp import loop, params, store
from entp.errors import DataError, SetupError
from entp.platform import data_version
from tests.platform.s3_server import s3_server

ROOT = Path(__file__).parents[2]
ROWS = [
    {"instruction": "Name the largest planet of the solar system.", "output": "Jupiter is the largest planet."},
    {"instruction": "How do bees find flowers?", "output": "They follow scent, colour and the dances of other bees."},
]


@pytest.fixture(scope="module", autouse=True)
def remote(tmp_path_factory):
    """A DVC remote on S3, named by the environment as in a pod."""
    with s3_server(tmp_path_factory.mktemp("s3")) as variables, pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool" / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return tmp_path / "pool"


def push(path: Path, name: str) -> str:
    """What a user does with `dvc add` and `dvc push`; the digest that dvc.lock then holds."""
    with data_version._repository() as folder:
        copy = shutil.copytree if path.is_dir() else shutil.copy
        copy(path, folder / name)
        data_version._dvc(folder, "add", name)
        data_version._dvc(folder, "push", f"{name}.dvc")
        content = yaml.safe_load((folder / f"{name}.dvc").read_text())
    return str(content["outs"][0]["md5"])


def test_a_pushed_folder_comes_back_by_its_digest(pool, tmp_path):
    md5 = push(pool, "pool")
    assert md5.endswith(".dir")
    data_version.pull("pool", md5, tmp_path / "pulled")
    assert (tmp_path / "pulled" / "rows.jsonl").read_bytes() == (pool / "rows.jsonl").read_bytes()


def test_a_pushed_file_comes_back_by_its_digest_under_its_name(pool, tmp_path):
    md5 = push(pool / "rows.jsonl", "rows.jsonl")
    data_version.pull("rows.jsonl", md5, tmp_path / "pulled")
    assert (tmp_path / "pulled" / "rows.jsonl").read_bytes() == (pool / "rows.jsonl").read_bytes()


def test_a_digest_that_the_remote_does_not_hold_is_a_data_error_that_names_it(tmp_path):
    with pytest.raises(DataError, match="0123456789abcdef0123456789abcdef"):
        data_version.pull("rows.jsonl", "0123456789abcdef0123456789abcdef", tmp_path / "pulled")


def test_without_a_remote_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("ENTP_DVC_REMOTE")
    with pytest.raises(SetupError, match="ENTP_DVC_REMOTE"):
        data_version.pull("pool", "0123", tmp_path / "pulled")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose pipeline is the first two stages on `examples/pool`."""
    project = tmp_path / "project"
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    project.mkdir()
    (project / "dvc.yaml").write_text(yaml.safe_dump(stages))
    (project / "entp").symlink_to(ROOT / "entp")
    return project


def results(pool: Path, folder: Path) -> dict[str, Path]:
    """Datasets as pipeline steps leave them: with their metrics inside."""
    loop.run_loop(params.load(), [pool], folder, lambda _: None, lambda _: None, None, "purge")
    for stage in ("ingest", "purge"):
        (folder / "metrics" / f"{stage}.json").rename(folder / stage / "metrics.json")
    return {stage: folder / stage for stage in ("ingest", "purge")}


def test_results_are_pushed_and_the_lock_follows(pool, project, tmp_path):
    datasets = results(pool, tmp_path / "run")
    lock = data_version.push_results(params.load(), project, "", pool, datasets)
    stages = yaml.safe_load(lock)["stages"]
    assert list(stages) == ["ingest", "purge"]
    [output] = [out for out in stages["purge"]["outs"] if out["path"] == "runs/dvc/purge"]
    data_version.pull("purge", output["md5"], tmp_path / "pulled")
    assert store.content_digest(tmp_path / "pulled") == store.content_digest(datasets["purge"])


def test_the_same_results_change_nothing(pool, project, tmp_path):
    datasets = results(pool, tmp_path / "run")
    lock = data_version.push_results(params.load(), project, "", pool, datasets)
    assert data_version.push_results(params.load(), project, lock, pool, datasets) == lock
    assert data_version.lock_patch(lock, lock) == ""


def test_git_applies_the_patch(tmp_path):
    (tmp_path / "dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    patch = data_version.lock_patch((tmp_path / "dvc.lock").read_text(), "schema: '2.0'\nstages: {ingest: 1}\n")
    (tmp_path / "lock.patch").write_text(patch)
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", "lock.patch"], cwd=tmp_path, check=True)
    assert "ingest" in (tmp_path / "dvc.lock").read_text()


def test_the_step_fetches_what_was_pushed(pool, tmp_path):
    md5 = push(pool, "pool")
    described = {"outputs": {"artifacts": {}, "outputFile": str(tmp_path / "kfp" / "output.json")}}
    command = [str(Path(sys.executable).parent / "entp"), "step", "fetch", "--md5", md5]
    command += ["--output", str(tmp_path / "out" / "pool"), "--digest", str(tmp_path / "digest")]
    command += ["--executor-input", json.dumps(described)]
    subprocess.run(command, check=True, cwd=ROOT, env=dict(os.environ))
    assert (tmp_path / "out" / "pool" / "rows.jsonl").is_file()
    assert len((tmp_path / "digest").read_text()) == 32
