"""DVC in a pod, without Git: raw data pulled by digest, results pushed, and the new `dvc.lock` as a patch.

The remote is ENTP_DVC_REMOTE (s3://bucket/prefix; AWS_ENDPOINT_URL and the usual AWS_* variables say how to reach it).
Every DVC command works in a folder of its own, under `core.no_scm`.
"""

from __future__ import annotations

import difflib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from entp.config import Config
from entp.errors import DataError, SetupError
from entp.params import as_yaml
from entp.platform.step import METRICS_FILE
from entp.track.spans import SPANS_FILE

REMOTE = "ENTP_DVC_REMOTE"


def pull(name: str, md5: str, output: Path) -> None:
    """Fetch what has DVC's digest `md5` from the remote: a folder (`...dir`) as `output`, a file as `output/<name>`.

    Raises DataError where the remote does not hold it.
    """
    with _repository() as folder:
        entry = {"outs": [{"md5": md5, "hash": "md5", "path": name}]}
        (folder / f"{name}.dvc").write_text(yaml.safe_dump(entry))
        try:
            _dvc(folder, "pull", f"{name}.dvc")
        except SetupError as error:
            raise DataError(f"{_remote()}: cannot pull {name} with digest {md5}: {error}") from error
        if output.exists():
            shutil.rmtree(output)
        target = output if (folder / name).is_dir() else output / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(folder / name, target) if target == output else shutil.copy(folder / name, target)


def push_results(config: Config, project: Path, lock: str, pool: Path, datasets: Mapping[str, Path]) -> str:
    """Push the stages' datasets, and return the `dvc.lock` that Git should hold next.

    `lock` is the one it holds now, `datasets` are published datasets by stage (as `dvc.yaml` names them).
    """
    variables = {key: value for entry in _yaml(project / "dvc.yaml")["vars"] for key, value in entry.items()}
    with _repository() as folder:
        for name in ("dvc.yaml", "entp"):
            _copy(project / name, folder / name)
        (folder / "params.yaml").write_text(as_yaml(config))
        if lock:
            (folder / "dvc.lock").write_text(lock)
        _copy(_pool_content(pool, variables["pool"]), folder / variables["pool"])
        run = folder / variables["run"]
        for stage, dataset in datasets.items():
            _copy(dataset, run / stage)
            (run / "metrics").mkdir(exist_ok=True)
            (run / stage / METRICS_FILE).rename(run / "metrics" / f"{stage}.json")
            (run / stage / SPANS_FILE).unlink(missing_ok=True)  # it holds clock times
        _dvc(folder, "commit", "--force", *datasets)
        _dvc(folder, "push", *datasets)
        return (folder / "dvc.lock").read_text()


def lock_patch(before: str, after: str) -> str:
    """A unified diff of `dvc.lock` that `git apply` takes."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), "a/dvc.lock", "b/dvc.lock"
    )
    return "".join(lines)


@contextmanager
def _repository() -> Iterator[Path]:
    """An empty DVC repository without Git, with the remote."""
    with tempfile.TemporaryDirectory(prefix="entp-dvc-") as scratch:
        folder = Path(scratch)
        (folder / ".dvc").mkdir()
        lines = ["[core]", "no_scm = true", "analytics = false", "autostage = false", "remote = store"]
        lines += ["[cache]", "type = reflink,hardlink,symlink,copy", '[remote "store"]', f"url = {_remote()}"]
        if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
            lines.append(f"endpointurl = {endpoint}")
        (folder / ".dvc" / "config").write_text("\n".join(lines) + "\n")
        yield folder


def has_remote() -> bool:
    """Whether a DVC remote is configured."""
    return bool(os.environ.get(REMOTE))


def _remote() -> str:
    remote = os.environ.get(REMOTE)
    if not remote:
        raise SetupError(f"{REMOTE} is not set: it names the DVC remote, such as s3://bucket/prefix")
    return remote


def _pool_content(pool: Path, name: str) -> Path:
    """The pool as `dvc.yaml` names it: the folder, or the one file in it where the name is a file's."""
    inside = pool / Path(name).name
    return inside if inside.is_file() else pool


def _yaml(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return content


def _copy(source: Path, target: Path) -> None:
    """A copy under the folder (DVC moves what it adds into its cache, and follows no link out of its repository)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def _dvc(folder: Path, *arguments: str) -> None:
    """Run DVC, as a process of its own: what it prints is its error message, and it may hold on to what it read."""
    command = [sys.executable, "-m", "dvc", *arguments]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode:
        lines = (result.stderr.strip() or result.stdout.strip()).splitlines()
        raise SetupError(f"dvc {arguments[0]} failed: {' '.join(lines[-3:]) or 'no message'}")
