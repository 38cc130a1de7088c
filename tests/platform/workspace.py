"""A checkout in miniature, with a pipeline of two containers, and the real command line run in it."""

import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from entp.cli import app

CPU = "registry.example.com/entp/cpu:0.1.0"
GPU = "registry.example.com/entp/gpu:0.1.0"
PINNED_CPU = f"ghcr.io/example/entp-cpu@sha256:{'c' * 64}"
PINNED_GPU = f"ghcr.io/example/entp-gpu@sha256:{'9' * 64}"
IMAGES = {CPU: PINNED_CPU, GPU: PINNED_GPU}
PACKAGE = "pipeline.yaml"
OPTIONS = ["--package", PACKAGE, "--image", f"{CPU}={PINNED_CPU}", "--image", f"gpu={PINNED_GPU}"]
COMMIT = "4b6796e17408a2faf280ce24987cdf87d825b484"
LOCK = """\
schema: '2.0'
stages:
  ingest:
    cmd: entp ingest --input data/chats --output runs/dvc
    deps:
    - {path: data/chats, hash: md5, md5: 3f2a7fdd1f2ca655f006faed36fa33b7.dir, size: 77362, nfiles: 6}
    - {path: entp/ingest, hash: md5, md5: 13ddfd7f444fc3a319b4c67022ea5146.dir, size: 49057, nfiles: 20}
"""


@functools.cache
def compiled() -> str:
    """IR YAML of two container components, one with a volume (so a platform spec), whose defaults are a profile's."""
    from kfp import compiler, dsl, kubernetes

    @dsl.container_component
    def fuse(config: dict, seed: int, pool: str, mixed: dsl.Output[dsl.Dataset]):
        return dsl.ContainerSpec(image=CPU, command=["entp"], args=["step", config, seed, pool, mixed.path])

    @dsl.container_component
    def tune(mixed: dsl.Input[dsl.Dataset], config: dict, image: str, approval: str, hours: float, cells: list):
        words = [mixed.path, config, image, approval, hours, cells]
        return dsl.ContainerSpec(image=GPU, command=["entp"], args=["step", *words])

    @dsl.pipeline(name="entp-purge-mix-sft")
    def pipeline(
        mix: dict = {"in_flight": 512, "max_pairs": 100},  # noqa: B006  (KFP wants the default here)
        train: dict = {"lora_rank": 64},  # noqa: B006
        seed: int = 42,
        pool_name: str = "pool",
        pool_md5: str = "",
        dvc_lock: str = "",
        require_approval: str = "no",
        approval_hours: float = 72.0,
        cells: list = ["a"],  # noqa: B006
    ):
        mixed = fuse(config=mix, seed=seed, pool=f"{pool_name} {pool_md5} {dvc_lock}").outputs["mixed"]
        approval = {"approval": require_approval, "hours": approval_hours}
        tuned = tune(mixed=mixed, config=train, image=GPU, cells=cells, **approval)
        kubernetes.mount_pvc(tuned, "entp-models", "/models")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.yaml"
        compiler.Compiler().compile(pipeline, str(path))
        return path.read_text()


def make_project(folder: Path) -> Path:
    """Write what `entp submit` and `entp retrain` look for in a checkout, and the pipeline as PACKAGE."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PACKAGE).write_text(compiled())
    (folder / "params.yaml").write_text("seed: 7\nmix:\n  max_pairs: 8\n")
    (folder / "dvc.lock").write_text(LOCK)
    return folder


def entp_here(*arguments: str) -> tuple[int, dict[str, Any], str]:
    """As `entp`, in this process and its folder: seconds faster, but only for commands that end without an error."""
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.stdout), " ".join(result.stderr.split())


def start_entp(*arguments: str | Path, cwd: Path, **variables: str) -> subprocess.Popen[str]:
    """The real command in a process of its own; nothing of the surroundings' KFP settings reaches it."""
    kept = {name: value for name, value in os.environ.items() if "KFP" not in name and "KF_" not in name}
    command = [sys.executable, "-c", "from entp.cli import main; main()", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=cwd, env=kept | {"HOME": str(cwd)} | variables, stdout=pipe, stderr=pipe, text=True
    )


def entp(*arguments: str | Path, cwd: Path, **variables: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, the JSON object on standard output, and standard error without its line breaks."""
    process = start_entp(*arguments, cwd=cwd, **variables)
    output, errors = process.communicate(timeout=120)
    assert "Traceback" not in errors, errors
    return process.returncode, json.loads(output or "{}"), " ".join(errors.split())
