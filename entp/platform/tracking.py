"""The MLflow run that all steps of one pipeline run share.

Steps are separate processes, and a run id handed from step to step would be a new argument each time, so that no step
could ever be cached. Instead each pod knows its pipeline run from its own label (ENTP_PIPELINE_RUN_ID), and the MLflow
run carries that as a tag. An injected MLFLOW_RUN_ID goes before it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from entp import shell
from entp.config import Config
from entp.errors import SetupError
from entp.loop import Outcome
from entp.progress import console
from entp.track.client import OFF, experiment_id, open_client, tracking_uri
from entp.track.run import open_run

#: Environment variable with the pipeline run's id, set from the pod's label.
PIPELINE_RUN = "ENTP_PIPELINE_RUN_ID"
#: Tag of an MLflow run: the pipeline run it belongs to, and whether that came to its end.
RUN_TAG, COMPLETE_TAG = "entp.pipeline_run", "entp.complete"
SCRATCH = Path(tempfile.gettempdir())


def settings_for_step(config: Config) -> Config:
    """The configuration with tracking off where no server is named: a pod has no place to keep a store."""
    if config.track.uri or os.environ.get("MLFLOW_TRACKING_URI"):
        return config
    return config.model_copy(update={"track": config.track.model_copy(update={"uri": OFF})})


def adopt_run(config: Config) -> bool:
    """Find or open this pipeline run's MLflow run, and name it in MLFLOW_RUN_ID for everything that follows.

    False where there is nothing to log to: tracking is off, or neither a run nor a pipeline is named.
    """
    if config.track.uri == OFF:
        return False
    pipeline_run = os.environ.get(PIPELINE_RUN)
    if os.environ.get("MLFLOW_RUN_ID") or not pipeline_run:
        return bool(os.environ.get("MLFLOW_RUN_ID"))
    client = open_client(tracking_uri(config, SCRATCH))
    experiment = experiment_id(client, config, SCRATCH)
    runs = client.search_runs([experiment], f"tags.`{RUN_TAG}` = '{pipeline_run}'", max_results=1)
    run = runs[0] if runs else client.create_run(experiment, tags={RUN_TAG: pipeline_run}, run_name=pipeline_run)
    os.environ["MLFLOW_RUN_ID"] = run.info.run_id
    return True


def log_if_reachable(config: Config, outcome: Outcome, dataset: Path) -> None:
    """Log a finished stage and its `dataset`.

    A tracking server that is down must not cost the step's work: the report logs it again.
    """
    try:
        if not adopt_run(config):
            return
        with open_run(config, SCRATCH) as tracker:
            shell.log_stage(tracker, dataset, outcome.summary, outcome.seconds)
    except SetupError as error:
        console.print(f"  [yellow]not logged to MLflow now, the report step will[/]: {error}", highlight=False)


def finish(config: Config) -> str:
    """End the pipeline's MLflow run: FINISHED where its report was written, else FAILED. Returns what was done.

    A run that was injected is left for its owner to end.
    """
    if os.environ.get("MLFLOW_RUN_ID") or not adopt_run(config):
        return "nothing to end"
    client, run_id = open_client(tracking_uri(config, SCRATCH)), os.environ["MLFLOW_RUN_ID"]
    complete = client.get_run(run_id).data.tags.get(COMPLETE_TAG) == "true"
    status = "FINISHED" if complete else "FAILED"
    client.set_terminated(run_id, status)
    return status


def mark_complete(config: Config, complete: bool = True) -> None:
    """Note whether the pipeline has done all it had to so far (see `finish`)."""
    if adopt_run(config):
        client = open_client(tracking_uri(config, SCRATCH))
        client.set_tag(os.environ["MLFLOW_RUN_ID"], COMPLETE_TAG, str(complete).lower())
