"""Retraining as often as asked, training once: the run's name is a digest of everything that decides its result.

KFP allows many runs of one name, but a pipeline has one version of a name. So the package is uploaded as the version
`entp-retrain-<key12>`: whoever creates it starts the run, everybody else waits for that run to appear. Should it not
appear (the winner died), they start it themselves, and whoever finds several runs keeps the oldest.
"""

from __future__ import annotations

import hashlib
import json
import random
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from entp.platform import kfp_api, package, submit
from entp.platform.kfp_api import Kfp
from entp.platform.package import Package
from entp.platform.submit import Run, Say, Start

PIPELINE = "entp-purge-mix-sft"


@dataclass(frozen=True)
class Request:
    """What is to be trained: all that the key covers. The package has its images pinned."""

    commit: str
    dvc_lock: bytes
    params: bytes
    package: Package
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What KFP has already, and what follows: `start`, `adopt`, or `refuse` to repeat a failure unasked."""

    decision: str
    name: str
    run: Run | None


def parts(request: Request) -> dict[str, Any]:
    """What the key is made of, by name."""
    return {
        "commit": request.commit,
        "dvc_lock": hashlib.sha256(request.dvc_lock).hexdigest(),
        "params": hashlib.sha256(request.params).hexdigest(),
        "images": request.package.images,
        "package": package.digest(request.package),
        "overrides": list(request.overrides),
    }


def key(request: Request) -> str:
    """sha256 (hex) over the parts."""
    content = json.dumps(parts(request), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def name(request: Request) -> str:
    """The run's name, which is also the Job's and the pipeline version's."""
    return f"entp-retrain-{key(request)[:12]}"


def plan(kfp: Kfp, base: str, retry: bool) -> Plan:
    """Ask KFP for the runs of this name; the last attempt (`-r2`, `-r3`, ...) decides. Raises SetupError."""
    attempt = 1
    run_name, last = base, None
    while runs := submit.find_runs(kfp, run_name):
        last = runs[0]
        attempt += 1
        run_name = f"{base}-r{attempt}"
    if last is None:
        return Plan("start", base, None)
    if last.state == "SUCCEEDED" or last.state not in submit.ENDING:
        return Plan("adopt", last.name, last)
    return Plan("start", run_name, last) if retry else Plan("refuse", last.name, last)


def carry_out(kfp: Kfp, what: Plan, request: Start, commit: str, takeover_after: float, say: Say) -> tuple[str, Run]:
    """Do as planned: (`started`, `adopted` or `refused`, the run that counts). Raises SetupError.

    Where another process is starting the run already, gives it `takeover_after` seconds, or up to half as long again.
    """
    if what.run and what.decision == "adopt":
        return "adopted", what.run
    if what.run and what.decision == "refuse":
        say(f"{what.name}: this run is {what.run.state}; --retry repeats it")
        return "refused", what.run
    return _start(kfp, replace(request, name=what.name), commit, takeover_after, say)


def _start(kfp: Kfp, first: Start, commit: str, takeover_after: float, say: Say) -> tuple[str, Run]:
    pipeline_id = _pipeline_id(kfp)
    claim = submit.new_claim(f"entp retrain --commit {commit}")
    version = _version(kfp, pipeline_id, first, claim)
    if version.description != claim:
        say(f"{first.name}: another process is starting this run")
        run = _await_run(kfp, first.name, takeover_after * random.uniform(1.0, 1.5))
        if run:
            return "adopted", run
        say(f"{first.name}: its starter is gone; starting the run")
    by_version = replace(first, package=None, version=(pipeline_id, version.pipeline_version_id))
    own = submit.create(kfp, by_version, claim)
    oldest = the_run(kfp, own)
    return ("started" if oldest.run_id == own.run_id else "adopted"), oldest


def the_run(kfp: Kfp, run: Run) -> Run:
    """Of all runs with this one's name and version, the one that counts; the others are ended. Raises SetupError."""
    same = [other for other in submit.find_runs(kfp, run.name) if other.version_id == run.version_id]
    return submit.keep_oldest(kfp, same or [run])


def wait(kfp: Kfp, run: Run, timeout: float | None, say: Say) -> Run:
    """As submit.wait; follows the run that counts, should this one be ended as its double. Raises SetupError."""
    end = time.monotonic() + timeout if timeout is not None else None
    while True:
        left = None if end is None else max(0.0, end - time.monotonic())
        seen = submit.wait(kfp, run, left, say)
        if seen.state != "CANCELED":
            return seen
        run = the_run(kfp, seen)
        if run.run_id == seen.run_id:
            return seen


def _await_run(kfp: Kfp, run_name: str, seconds: float) -> Run | None:
    for _ in submit.looks(seconds, latest=3.0):
        if runs := submit.find_runs(kfp, run_name):
            return runs[0]
    return None


def _pipeline_id(kfp: Kfp) -> str:
    """The id of our pipeline in KFP, made where there is none."""
    from kfp_server_api import V2beta1Pipeline

    pipeline = kfp_api.find_or_create(
        kfp,
        "pipeline",
        PIPELINE,
        kfp.client.pipelines.pipeline_service_list_pipelines,
        {"namespace": kfp.namespace},
        kfp.client.pipelines.pipeline_service_create_pipeline,
        pipeline=V2beta1Pipeline(name=PIPELINE, display_name=PIPELINE, namespace=kfp.namespace),
    )
    return str(pipeline.pipeline_id)


def _version(kfp: Kfp, pipeline_id: str, first: Start, claim: str) -> Any:
    """The pipeline version of the run's name; its description is `claim` where this call has created it."""
    assert first.package
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pipeline.yaml"
        file.write_text(package.as_yaml(first.package), encoding="utf-8")
        return kfp_api.find_or_create(
            kfp,
            "pipeline version",
            first.name,
            kfp.client.pipelines.pipeline_service_list_pipeline_versions,
            {"pipeline_id": pipeline_id},
            kfp.client.pipeline_uploads.upload_pipeline_version,
            uploadfile=str(file),
            name=first.name,
            pipelineid=pipeline_id,
            description=claim,
        )
