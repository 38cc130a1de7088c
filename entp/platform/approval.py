"""A pipeline pauses before promotion until somebody says yes or no, in MLflow.

Kubeflow Pipelines has no task that waits for a person, so the step watches a tag of the pipeline's MLflow run:
`entp.approval` is `waiting` until a person sets it to `approved` or `rejected` in the MLflow UI (or by its API).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from entp.config import Config
from entp.errors import SetupError
from entp.platform.tracking import SCRATCH, adopt_run
from entp.progress import console
from entp.track.client import open_client, tracking_uri, without_password

TAG = "entp.approval"
WAITING, APPROVED, REJECTED, EXPIRED = "waiting", "approved", "rejected", "expired"
POLL_SECONDS = 15.0


def wait_for_approval(config: Config, hours: float, sleep: Callable[[float], None] = time.sleep) -> str:
    """Wait until the tag says `approved` or `rejected`; `expired` after `hours`.

    An answer given before the step began counts. Raises SetupError where there is no MLflow run to carry it.
    """
    if not adopt_run(config):
        raise SetupError("approval is given in MLflow: set MLFLOW_TRACKING_URI, or submit with require_approval=no")
    client, run_id = open_client(tracking_uri(config, SCRATCH)), os.environ["MLFLOW_RUN_ID"]
    deadline = time.monotonic() + hours * 3600
    if _answer(client, run_id) is None:
        client.set_tag(run_id, TAG, WAITING)
        console.print(f"waiting for tag {TAG} of MLflow run {run_id}: {APPROVED} or {REJECTED}", highlight=False)
    while (answer := _answer(client, run_id)) is None:
        if time.monotonic() >= deadline:
            client.set_tag(run_id, TAG, EXPIRED)
            return EXPIRED
        sleep(min(POLL_SECONDS, max(0.0, deadline - time.monotonic())))
    return answer


def _answer(client: Any, run_id: str) -> str | None:
    """What the tag says, if that is an answer; a server that is away for a moment is asked again later."""
    from mlflow.exceptions import MlflowException

    try:
        said = str(client.get_run(run_id).data.tags.get(TAG, "")).strip().lower()
    except MlflowException as error:
        console.print(f"  MLflow did not answer, asking again: {without_password(str(error))}", highlight=False)
        return None
    return said if said in (APPROVED, REJECTED) else None
