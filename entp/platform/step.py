"""One stage as a pipeline step: its inputs and its output are artifact paths, not siblings in a run folder.

The stages work on a run folder, so a step lays one out beside its output: a link per parent, the stage's own dataset,
and then a rename into place. Where the folder is on the same volume as the output, nothing is copied.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from entp import atomic, loop, store
from entp.config import Config
from entp.errors import DataError, UsageError
from entp.loop import Outcome
from entp.stages import Inputs, Stage, identity, raw_digest
from entp.track import traced_pairs

#: Metrics with seconds, kept inside the artifact but outside its digest.
METRICS_FILE = "metrics.json"


def run_step(
    stage: Stage, config: Config, parents: Mapping[str, Path], expected: Mapping[str, str], output: Path
) -> Outcome:
    """Run `stage` on its parents' artifacts (for `ingest`: on raw data, under any name) and publish at `output`.

    `expected` holds the content digests that the parents must have. Raises UsageError for a missing or superfluous
    parent and DataError for a parent of another content.
    """
    _check_names(stage, parents)
    for name, digest in expected.items():
        check_digest(name, parents[name], digest)
    with run_folder(output, parents) as folder:
        inputs = loop.stage_inputs(stage, folder, list(parents.values()))
        outcome = run_in_own_cache(stage, config, inputs, folder)
        shutil.copy(folder / "metrics" / f"{stage.name}.json", folder / stage.name / METRICS_FILE)
        with atomic.lock(output), atomic.new_folder(output) as place:
            (folder / stage.name).rename(place)
    return outcome


def run_in_own_cache(stage: Stage, config: Config, inputs: Inputs, folder: Path) -> Outcome:
    """Run `stage` into `folder`; of what `mix` leaves in its cache for looking at, a sample goes with the dataset."""
    with own_cache(stage.name, identity(stage.name, config, inputs).digest):
        outcome = loop.run_stage(stage, config, inputs, folder)
        if stage.name == "mix":
            traced_pairs.keep_inside(folder / stage.name, config.track.traces)
    return outcome


def speaks_for_all() -> bool:
    """Whether this is the only process of the step, or the first of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def discarded(output: Path) -> Path:
    """Where the other processes of a step put what only the first one is to publish."""
    return Path(tempfile.mkdtemp(prefix="entp-rank-")) / output.name


def artifact_digest(path: Path) -> str:
    """Content digest of a published dataset, or of raw files."""
    return store.content_digest(path) if store.is_published(path) else raw_digest(path)


def check_digest(name: str, path: Path, expected: str) -> None:
    """Raises DataError where the artifact is not what the step before it published."""
    if not path.exists():
        raise DataError(f"{path}: the artifact {name} is not there; look at the step that makes it")
    found = artifact_digest(path)
    if found != expected:
        raise DataError(
            f"{path}: the artifact {name} has digest {found}, not {expected}; it was changed or cut in the object "
            "store: run the pipeline again with caching off for the step that makes it"
        )


@contextmanager
def run_folder(output: Path, parents: Mapping[str, Path]) -> Iterator[Path]:
    """A run folder beside `output` that holds the parents as links, with their metrics; it goes when the body ends."""
    folder = output.with_name(f".{output.name}.run")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "metrics").mkdir(parents=True)
    for name, path in parents.items():
        (folder / name).symlink_to(path.resolve())
        if (path / METRICS_FILE).is_file():
            shutil.copy(path / METRICS_FILE, folder / "metrics" / f"{name}.json")
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def own_cache(name: str, identity_digest: str) -> Iterator[None]:
    """A part of ENTP_CACHE_DIR for this work alone: the same work in a new pod or run finds it, other work does not.

    A shared volume may serve many steps at once, and SQLite is no database for several machines.
    """
    base = os.environ.get("ENTP_CACHE_DIR")
    if base is None:
        yield
        return
    os.environ["ENTP_CACHE_DIR"] = str(Path(base) / f"{name}-{identity_digest[:16]}")
    try:
        yield
    finally:
        os.environ["ENTP_CACHE_DIR"] = base


def markdown(outcome: Outcome) -> str:
    """The step's metrics and notes, for the pipeline's user interface."""
    lines = [f"# {outcome.stage}", "", *(f"- {note}" for note in outcome.summary.notes), ""]
    lines += ["| metric | value |", "|---|---:|"]
    lines += [f"| {name} | {value:,.6g} |" for name, value in sorted(outcome.summary.metrics.items())]
    return "\n".join([*lines, f"| seconds | {outcome.seconds:,.1f} |", ""])


def describe_artifacts(executor_input: str, metadata: Mapping[str, Mapping[str, float | str]]) -> None:
    """Tell Kubeflow Pipelines what was made: `metadata` by artifact name (its user interface shows metrics from there).

    `executor_input` is the JSON that the placeholder `{{$}}` stands for.
    """
    outputs = json.loads(executor_input)["outputs"]
    described = {}
    for name, listed in outputs.get("artifacts", {}).items():
        artifact = listed["artifacts"][0]
        known = {**artifact.get("metadata", {}), **metadata.get(name, {})}
        described[name] = {"artifacts": [{**artifact, "metadata": known}]}
    target = Path(outputs["outputFile"])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({"artifacts": described}))


def collected(executor_input: str, name: str) -> list[Path]:
    """Where the artifacts of a list lie, which loops collect: the launcher puts each at a path made of its address.

    `executor_input` is as in `describe_artifacts`.
    """
    listed = json.loads(executor_input)["inputs"]["artifacts"][name]["artifacts"]
    return [_local_path(artifact["uri"]) for artifact in listed]


def _local_path(uri: str) -> Path:
    """`s3://bucket/key` is at /s3/bucket/key, and so on; KFP's local orchestrator gives paths."""
    scheme, separator, rest = uri.partition("://")
    return Path("/", {"gs": "gcs"}.get(scheme, scheme), rest) if separator else Path(uri)


def _check_names(stage: Stage, parents: Mapping[str, Path]) -> None:
    if not stage.parents:
        if not parents:
            raise UsageError(f"{stage.name} reads raw files: name them with --parent pool=PATH")
        return
    if set(parents) != set(stage.parents):
        raise UsageError(
            f"{stage.name} reads {', '.join(stage.parents)}; --parent names {', '.join(parents) or 'nothing'}"
        )
