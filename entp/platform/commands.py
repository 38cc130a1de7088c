"""`entp submit` and `entp retrain`: one JSON object on standard output, the story on standard error.

Exit codes beside the usual ones (2 usage, 4 environment): 0 succeeded, or started and not waited for; 3 the run failed;
5 it was canceled; 6 the wait timed out; 130 and 143 the wait was interrupted. The run goes on in the last three cases.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from entp.errors import EntpError, UsageError

if TYPE_CHECKING:
    from entp.platform.package import Package
    from entp.platform.submit import Run

Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[key=value]...", help="Settings that override the configuration, and other parameters of the pipeline."
    ),
]
Images = Annotated[
    list[str] | None,
    typer.Option(
        "--image",
        metavar="OLD=NEW",
        help="Replace image OLD, such as `cpu`, by NEW, which is pinned by digest (NAME@sha256:...).",
    ),
]
Profile = Annotated[str, typer.Option(help="Profile that says where steps run: cpu, gpu or gpu-spot.")]
PackageFile = Annotated[
    Path | None,
    typer.Option(
        "--package", help="A compiled pipeline to use in place of one that is compiled now.", show_default=False
    ),
]
Host = Annotated[str | None, typer.Option(help="Address of the Kubeflow Pipelines API.", envvar="ENTP_KFP_HOST")]
Namespace = Annotated[str, typer.Option(help="Namespace that the runs belong to.")]
Experiment = Annotated[str, typer.Option(help="KFP experiment; created if it does not exist.")]
PipelineRoot = Annotated[str | None, typer.Option(help="Where KFP puts artifacts, such as s3://bucket/prefix.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until the run is finished.")]
Timeout = Annotated[float | None, typer.Option(help="Stop waiting after this many seconds.", min=0)]
DvcLock = Annotated[Path, typer.Option(help="File with the data's digests, which say which pool to use.")]
Params = Annotated[Path, typer.Option("--params", help="YAML configuration file.")]
Json = dict[str, Any]

app = typer.Typer()
EXIT_CODES = {"failed": 3, "skipped": 3, "canceled": 5, "timed_out": 6}
FULL_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@app.command(rich_help_panel="On a cluster")
def submit(
    overrides: Overrides = None,
    pipeline: Annotated[
        str, typer.Option(help="Which pipeline to run: purge_mix_sft, data_only or compare.")
    ] = "purge_mix_sft",
    profile: Profile = "cpu",
    package_file: PackageFile = None,
    images: Images = None,
    unpinned: Annotated[
        bool,
        typer.Option(
            "--unpinned", help="Allow images that are named by tag instead of digest, as on a laptop cluster."
        ),
    ] = False,
    dvc_lock: Annotated[
        Path | None,
        typer.Option(
            help="File with the data's digests, which say which pool to use; ./dvc.lock by default, where there is one."
        ),
    ] = None,
    params: Annotated[
        Path | None,
        typer.Option("--params", help="YAML configuration file; ./params.yaml by default, where there is one."),
    ] = None,
    host: Host = None,
    namespace: Namespace = "entp",
    experiment: Experiment = "entp",
    name: Annotated[str | None, typer.Option(help="Name of the run.", show_default=False)] = None,
    pipeline_root: PipelineRoot = None,
    wait: Wait = False,
    timeout: Timeout = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compile, and only print what would be sent.")] = False,
) -> None:
    """Start a run of a pipeline on Kubeflow Pipelines.

    The token comes from the pod, or else from the environment variable KFP_TOKEN.

    **Examples**

    `entp submit --image cpu=ghcr.io/me/entp-cpu@sha256:3f2a... --wait`

    `entp submit --dry-run --unpinned mix.max_pairs=8`

    `entp submit --profile gpu --pipeline compare --image ... --image ... 'seeds=[1, 2]' mix.max_pairs=500`
    """
    from entp.platform import kfp_api, package
    from entp.platform import submit as starting

    with _reported("submit") as result:
        compiled = package.read(package_file) if package_file else package.compiled(pipeline, profile)
        pinned = package.pin(compiled, _pairs(images), required=not unpinned)
        lock = _content(dvc_lock) if (dvc_lock := dvc_lock or _here("dvc.lock")) else None
        start = starting.Start(
            name=name or starting.default_name(pinned),
            arguments=_arguments(pinned, params or _here("params.yaml"), overrides, lock),
            experiment=experiment,
            pipeline_root=pipeline_root,
            package=pinned,
        )
        if dry_run:
            result |= {"outcome": "dry_run", "name": start.name, "package": package.digest(pinned)}
            result |= {"images": pinned.images, "arguments": start.arguments}
            return
        kfp = kfp_api.connect(host, namespace)
        run = starting.submit(kfp, start)
        result |= {"decision": "started", "package": package.digest(pinned), **_shown(run, waited=False)}
        if wait:
            result |= _shown(starting.wait(kfp, run, timeout, _say), waited=True)


@app.command(rich_help_panel="On a cluster")
def retrain(
    overrides: Overrides = None,
    commit: Annotated[
        str | None, typer.Option(help="Full id of the commit; by default the HEAD of the checkout.")
    ] = None,
    dvc_lock: DvcLock = Path("dvc.lock"),
    params: Params = Path("params.yaml"),
    profile: Profile = "cpu",
    package_file: PackageFile = None,
    images: Images = None,
    host: Host = None,
    namespace: Namespace = "entp",
    experiment: Experiment = "entp",
    pipeline_root: PipelineRoot = None,
    retry: Annotated[bool, typer.Option("--retry", help="Repeat a run that failed or was canceled.")] = False,
    takeover_after: Annotated[
        float,
        typer.Option(help="Seconds that another process has to start the run before this one takes over.", min=0),
    ] = 180.0,
    wait: Wait = False,
    timeout: Timeout = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be done.")] = False,
    render: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write a kustomize directory whose Job does this in the cluster."),
    ] = None,
) -> None:
    """Train once for this combination of commit, data, parameters and images, however often the command is run.

    A run that is going on or has succeeded is adopted. One that failed or was canceled is repeated only with --retry.

    **Examples**

    `entp retrain --dry-run --image cpu=ghcr.io/me/entp-cpu@sha256:3f2a...`

    `entp retrain --wait --timeout 86400 --image ...`

    `entp retrain --render deploy/retrain --profile gpu --image ... --image ...`
    """
    from entp.platform import kfp_api, package
    from entp.platform import render as manifests
    from entp.platform import retrain as training
    from entp.platform.submit import Start

    with _reported("retrain") as result:
        compiled = package.read(package_file) if package_file else package.compiled("purge_mix_sft", profile)
        pinned = package.pin(compiled, _pairs(images), required=True)
        lock, content = _content(dvc_lock), _content(params)
        request = training.Request(_commit(commit), lock, content, pinned, tuple(overrides or ()))
        arguments = _arguments(pinned, params, overrides, lock)
        start = Start(training.name(request), arguments, experiment, pipeline_root, pinned)
        result |= {"key": training.key(request), "name": start.name}
        if render:
            options = ["--experiment", experiment, *(["--pipeline-root", pipeline_root] if pipeline_root else [])]
            image = manifests.job_image(compiled, _pairs(images))
            changed = manifests.render(render, request, image, namespace, options)
            result |= {"outcome": "rendered", "directory": str(render), "changed": changed}
            return
        kfp = kfp_api.connect(host, namespace)
        plan = training.plan(kfp, start.name, retry)
        result |= {"decision": plan.decision, "name": plan.name}
        if dry_run:
            found = _shown(plan.run, waited=False) if plan.run else None
            result |= {"outcome": "dry_run", "parts": training.parts(request), "arguments": arguments, "found": found}
            return
        decision, run = training.carry_out(kfp, plan, start, request.commit, takeover_after, _say)
        result |= {"decision": decision, **_shown(run, waited=False)}
        if wait:
            result |= _shown(training.wait(kfp, run, timeout, _say), waited=True)


@contextmanager
def _reported(command: str) -> Iterator[Json]:
    """Print what the body gathers as one JSON object, however the command ends, and exit by its outcome."""
    result: Json = {"command": command}
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        yield result
    except EntpError as error:
        result |= {"outcome": "error", "error": str(error)}
        raise
    except KeyboardInterrupt as interrupt:
        result["outcome"] = "interrupted"
        if "run_id" in result:
            _say(f"{result['name']}: no longer waiting; the run goes on")
        raise typer.Exit(128 + (interrupt.args[0] if interrupt.args else signal.SIGINT)) from None
    finally:
        signal.signal(signal.SIGTERM, before)
        typer.echo(json.dumps(result, indent=2))
    raise typer.Exit(EXIT_CODES.get(result["outcome"], 0))


def _terminated(number: int, _frame: object) -> None:
    """A pod that is moved leaves the way Ctrl-C does."""
    raise KeyboardInterrupt(number)


def _say(message: str) -> None:
    typer.echo(message, err=True)


def _shown(run: Run, waited: bool) -> Json:
    """A run as the result shows it; `outcome` decides the exit code."""
    unfinished = "timed_out" if waited else "running"
    return {
        "outcome": run.state.lower() if run.finished else unfinished,
        "name": run.name,
        "run_id": run.run_id,
        "state": run.state,
        "created_at": run.created_at.isoformat(),
        "error": run.error,
    }


def _arguments(pipeline: Package, params: Path | None, overrides: list[str] | None, lock: bytes | None) -> Json:
    """The run's arguments. What `lock` tells of the data counts unless an override says otherwise.

    Without it, the pipeline's own default does: the sample pool of the image.
    """
    from entp.platform.arguments import complete, configuration, of_data, split_overrides

    settings, given = split_overrides(pipeline, overrides or [])
    data = of_data(lock) if lock is not None else {}
    return complete(pipeline, configuration(pipeline, params, settings), data | given)


def _here(name: str) -> Path | None:
    """The file of that name in the working directory, where there is one."""
    return Path(name) if Path(name).is_file() else None


def _pairs(images: list[str] | None) -> dict[str, str]:
    pairs = [image.partition("=") for image in images or []]
    for old, separator, new in pairs:
        if not (old and separator and new):
            raise UsageError(f"--image {old}: expected OLD=NEW, such as cpu=registry/name@sha256:...")
    return {old: new for old, _, new in pairs}


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}; run this in the project's root") from error


def _commit(given: str | None) -> str:
    if given is None:
        try:
            head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise UsageError("this is not a Git checkout: give --commit, the full id") from error
        given = head.stdout.strip()
    if not FULL_COMMIT.fullmatch(given):
        raise UsageError(f"--commit {given}: expected the full id of a commit (40 or 64 hex digits)")
    return given
