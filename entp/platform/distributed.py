"""The train stage on several nodes: a launcher step hands it to a TrainJob, and takes the result.

The launcher and the nodes meet in a workspace on the claim entp-cache: the training set goes in, every node runs
`entp step train` under torchrun, the first process leaves the model there.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from entp import atomic, loop, store
from entp.config import Config
from entp.errors import SetupError
from entp.loop import Outcome
from entp.platform import step, trainjob
from entp.platform.profiles import Work
from entp.platform.step import METRICS_FILE
from entp.stages import identity, stage_named

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

CACHE = "ENTP_CACHE_DIR"


def train_on_nodes(
    client: ApiClient,
    config: Config,
    parents: Mapping[str, Path],
    output: Path,
    work: Work,
    image: str,
    namespace: str,
) -> Outcome:
    """Train in a TrainJob of `work.nodes` pods and publish the model at `output`.

    Raises SetupError without a cache volume, and as `trainjob.launch` does.
    """
    cache = os.environ.get(CACHE)
    if cache is None:
        raise SetupError(f"{CACHE} is not set: the nodes and their launcher meet on that volume (claim entp-cache)")
    with step.run_folder(output, parents) as folder:
        stage = stage_named("train")
        digest = identity("train", config, loop.stage_inputs(stage, folder, [])).digest
    workspace = Path(cache) / "trainjobs" / digest[:12]
    result = workspace / "trained" / "trained"
    if not store.is_published(result):
        _put(parents["assemble"], workspace / "assembled")
        arguments = _arguments(config, workspace)
        training = trainjob.Training(digest, arguments, image, work, work.nodes, queue=work.queue, namespace=namespace)
        trainjob.launch(client, trainjob.manifest(training), lambda line: typer.echo(line, err=True), retry=True)
    _put(result, output)
    shutil.rmtree(workspace)
    seconds = json.loads((output / METRICS_FILE).read_text())["seconds"]
    return Outcome("train", False, seconds, store.read_summary(output))


def _arguments(config: Config, workspace: Path) -> tuple[str, ...]:
    """What every process of the job runs: the step `train` on the workspace."""
    outputs = workspace / "outputs"
    described = {"outputs": {"artifacts": {}, "outputFile": str(outputs / "executor.json")}}
    sections = config.model_dump(mode="json", exclude_none=True)
    return (
        *("step", "train", "--parent", f"assemble={workspace / 'assembled'}"),
        *("--output", str(workspace / "trained" / "trained"), "--executor-input", json.dumps(described)),
        *(part for name in ("digest", "summary", "metrics") for part in (f"--{name}", str(outputs / name))),
        *(f"seed={config.seed}", f"train={json.dumps(sections['train'])}"),
    )


def _put(source: Path, target: Path) -> None:
    """A whole copy or none: what a killed launcher left half-copied is made anew."""
    with atomic.lock(target), atomic.new_folder(target) as partial:
        shutil.copytree(source, partial)
