"""Starting a pipeline run, and waiting for it."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from entp.platform import kfp_api, package
from entp.platform.kfp_api import Kfp
from entp.platform.package import Package

SERVICE_ACCOUNT = "entp-pipeline"
#: kfp's own waiting knows neither CANCELED nor PAUSED. CANCELING is on its way, PAUSED waits for a person.
FINISHED = {"SUCCEEDED", "FAILED", "CANCELED", "SKIPPED"}
ENDING = FINISHED | {"CANCELING"}
SLOWEST_POLL = 15.0
#: Seconds that KFP may be away while a run is waited for.
WAIT_PATIENCE = 600.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Run:
    """A pipeline run as KFP last told it."""

    run_id: str
    name: str
    state: str
    created_at: datetime
    version_id: str | None
    description: str
    error: str | None

    @property
    def finished(self) -> bool:
        """Whether its state is final."""
        return self.state in FINISHED


@dataclass(frozen=True)
class Start:
    """What a run is started with. `package` goes with the request, unless `version` names an uploaded one."""

    name: str
    arguments: Mapping[str, Any]
    experiment: str
    pipeline_root: str | None
    package: Package | None = None
    version: tuple[str, str] | None = None


def submit(kfp: Kfp, start: Start) -> Run:
    """Start one run. Raises SetupError."""
    claim = new_claim("entp submit")
    run = create(kfp, start, claim)
    return keep_oldest(kfp, [run, *(other for other in find_runs(kfp, start.name) if other.description == claim)])


def create(kfp: Kfp, start: Start, claim: str) -> Run:
    """Ask KFP to start a run, described by `claim`, a text of which there is only one. Raises SetupError."""
    from kfp_server_api import V2beta1PipelineVersionReference, V2beta1Run, V2beta1RuntimeConfig

    reference = None
    if start.version:
        pipeline_id, version_id = start.version
        reference = V2beta1PipelineVersionReference(pipeline_id=pipeline_id, pipeline_version_id=version_id)
    body = V2beta1Run(
        display_name=start.name,
        description=claim,
        experiment_id=_experiment_id(kfp, start.experiment),
        pipeline_spec=package.as_request(start.package) if start.package else None,
        pipeline_version_reference=reference,
        runtime_config=V2beta1RuntimeConfig(parameters=dict(start.arguments), pipeline_root=start.pipeline_root),
        service_account=SERVICE_ACCOUNT,
    )

    def find_own() -> Run | None:
        return next((run for run in find_runs(kfp, start.name) if run.description == claim), None)

    made = kfp_api.write(kfp, f"start the run {start.name}", kfp.client.runs.run_service_create_run, find_own, run=body)
    return made if isinstance(made, Run) else _run(made)


def find_runs(kfp: Kfp, name: str) -> list[Run]:
    """All runs of this name, the oldest first. Raises SetupError."""
    found = kfp_api.pages(
        kfp,
        "list runs",
        kfp.client.runs.run_service_list_runs,
        "runs",
        namespace=kfp.namespace,
        filter=kfp_api.named(name),
    )
    return sorted((_run(run) for run in found), key=_age)


def keep_oldest(kfp: Kfp, runs: Sequence[Run]) -> Run:
    """Terminate all of the runs that are still going, but the oldest, which is returned. Raises SetupError.

    Whoever looks last sees all of them, and everybody means the same one: exactly one goes on.
    """
    oldest, *others = sorted({run.run_id: run for run in runs}.values(), key=_age)
    for run in others:
        if run.state not in ENDING:
            terminate(kfp, run)
    return oldest


def terminate(kfp: Kfp, run: Run) -> None:
    """Ask KFP to end a run. Raises SetupError."""

    def find_ended() -> Run | None:
        now = get(kfp, run.run_id)
        return now if now.state in ENDING else None

    what = f"terminate the run {run.run_id}"
    kfp_api.write(kfp, what, kfp.client.runs.run_service_terminate_run, find_ended, run_id=run.run_id)


def get(kfp: Kfp, run_id: str, patience: float | None = None) -> Run:
    """The run as it is now. Raises SetupError."""
    call = kfp.client.runs.run_service_get_run
    return _run(kfp_api.read(kfp, f"read the run {run_id}", call, patience, run_id=run_id))


def wait(kfp: Kfp, run: Run, timeout: float | None, say: Say) -> Run:
    """Poll until the run is finished, or for `timeout` seconds; the run goes on however the waiting ends.

    Returns it as last seen, finished or not. Raises SetupError if KFP stays away for ten minutes.
    """
    say(f"{run.name}: {run.state}")
    for left in looks(float("inf") if timeout is None else timeout, SLOWEST_POLL):
        if run.finished:
            break
        now = get(kfp, run.run_id, max(kfp_api.PATIENCE, min(WAIT_PATIENCE, left)))
        if now.state != run.state:
            say(f"{run.name}: {now.state}")
        run = now
    return run


def looks(seconds: float, latest: float) -> Iterator[float]:
    """The seconds left, at each look at something that takes its time: now, ever less often, and when they are over.

    The pauses grow from 1 to `latest` seconds, and are shorter by chance, up to half, so that many clients spread out.
    """
    end, pause = time.monotonic() + seconds, 1.0
    while (left := max(0.0, end - time.monotonic())) > 0.0:
        yield left
        time.sleep(min(random.uniform(pause / 2, pause), left))
        pause = min(1.5 * pause, latest)
    yield left


def default_name(pipeline: Package) -> str:
    """A name nobody has used: the pipeline's, the time, and a few random characters."""
    return f"{pipeline.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:4]}"


def new_claim(who: str) -> str:
    """A description by which a starter knows its own things again."""
    return f"Started by `{who}`, {uuid.uuid4().hex}"


def _experiment_id(kfp: Kfp, name: str) -> str:
    """The id of the experiment of this name, made where there is none."""
    from kfp_server_api import V2beta1Experiment

    experiment = kfp_api.find_or_create(
        kfp,
        "experiment",
        name,
        kfp.client.experiments.experiment_service_list_experiments,
        {"namespace": kfp.namespace},
        kfp.client.experiments.experiment_service_create_experiment,
        experiment=V2beta1Experiment(display_name=name, namespace=kfp.namespace),
    )
    return str(experiment.experiment_id)


def _run(answer: Any) -> Run:
    reference = answer.pipeline_version_reference
    return Run(
        run_id=answer.run_id,
        name=answer.display_name,
        state=answer.state or "RUNTIME_STATE_UNSPECIFIED",
        created_at=answer.created_at,
        version_id=reference.pipeline_version_id if reference else None,
        description=answer.description or "",
        error=answer.error.message if answer.error else None,
    )


def _age(run: Run) -> tuple[datetime, str]:
    """KFP's times are whole seconds: the id decides between equals."""
    return run.created_at, run.run_id
