"""Kubeflow Pipelines' own local orchestrator over a compiled pipeline, with every container really run.

Its DockerRunner asks the package `docker` for containers. There may be no daemon, so it is handed a client with the
same few calls that runs each container's command as a process, or in a built image.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
#: Builds the command line that runs a container's command: (command, environment) -> argv.
Launcher = Callable[[Sequence[str], dict[str, str]], list[str]]


class Container:
    """A started container, as `docker` gives it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def logs(self, stream: bool) -> Iterator[bytes]:
        assert stream
        assert self._process.stdout is not None
        yield from self._process.stdout

    def wait(self) -> dict[str, int]:
        return {"StatusCode": self._process.wait()}


class Containers:
    """Starts containers and remembers which steps ran."""

    def __init__(self, environment: dict[str, str], launcher: Launcher) -> None:
        self.steps: list[str] = []
        self._environment = environment
        self._launcher = launcher

    def run(self, image: str, command: list[str], **_: Any) -> Container:
        assert image.startswith("registry.example.com/entp/")
        assert command[:2] == ["entp", "step"]
        self.steps.append(command[2])
        argv = self._launcher(command, self._environment)
        process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT, env=_clean(self._environment)
        )
        return Container(process)


def as_process(command: Sequence[str], environment: dict[str, str]) -> list[str]:
    """The container's command in this Python environment."""
    del environment
    return [str(Path(sys.executable).parent / command[0]), *command[1:]]


def in_image(image: str, mount: Path) -> Launcher:
    """The container's command in a built image, as its user, with a read-only root and `mount` at the same path."""

    def launcher(command: Sequence[str], environment: dict[str, str]) -> list[str]:
        variables = [part for name, value in environment.items() for part in ("--env", f"{name}={value}")]
        script = str(ROOT / "scripts" / "run-in-image.sh")
        return [script, image, "--mount", str(mount), *variables, "--", *command]

    return launcher


def run_pipeline(
    package: Path,
    arguments: dict[str, Any],
    folder: Path,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    launcher: Launcher = as_process,
) -> list[str]:
    """Run a compiled pipeline with its artifacts and cache under `folder`; the steps whose containers ran, in order.

    Raises PipelineError where the run failed.
    """
    from kfp import components, local

    containers = Containers(environment, launcher)
    monkeypatch.setitem(sys.modules, "docker", _docker(containers))
    local.init(runner=local.DockerRunner(), pipeline_root=str(folder / "artifacts"), enable_caching=True)
    pipeline = components.load_component_from_file(str(package))
    try:
        pipeline(**arguments)
    except RuntimeError as error:
        raise PipelineError(containers.steps) from error
    return containers.steps


class PipelineError(RuntimeError):
    """The run ended in failure; `steps` are those that were started."""

    def __init__(self, steps: list[str]) -> None:
        super().__init__(f"the pipeline failed after {', '.join(steps)}")
        self.steps = steps


def _clean(environment: dict[str, str]) -> dict[str, str]:
    """What a pod would have: its own variables and no tracking server or cache of whoever runs the test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "ENTP_", "AWS_"))}
    return kept | environment


def _docker(containers: Containers) -> ModuleType:
    module = ModuleType("docker")
    client = SimpleNamespace(
        containers=containers,
        images=SimpleNamespace(list=list, pull=print),
        info=dict,
        close=lambda: None,
    )
    vars(module).update(
        from_env=lambda: client, DockerClient=SimpleNamespace, errors=SimpleNamespace(NotFound=LookupError)
    )
    return module
