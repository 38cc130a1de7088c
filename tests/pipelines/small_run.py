"""Arguments that make the compiled pipelines small enough for a test: real models, few rows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from entp import params

SETTINGS = (
    "rate.raters=[likelihood]",
    "rate.max_samples=24",
    "rate.max_tokens=128",
    "mix.max_pairs=1",
    "mix.rater=likelihood",
    "mix.instruction_tries=1",
    "mix.answer_tries=1",
    "mix.max_instruction_tokens=24",
    "mix.max_answer_tokens=24",
    "assemble.max_rows=16",
    "assemble.fill_rows=16",
    "train.max_length=256",
    "evaluate.tasks=[entp_instructions]",
)
#: The gate's bar: a gain of any size passes the one, no gain passes the other.
LENIENT, STRICT = "gate.noise_multiple=0", "gate.noise_multiple=1000"


def arguments(*settings: str) -> dict[str, Any]:
    """The pipeline parameters of the small settings and further ones."""
    content = params.load(None, [*SETTINGS, *settings]).model_dump(mode="json", exclude_none=True)
    return {name: content[name] for name in ("purge", "rate", "mix", "assemble", "train", "evaluate", "gate")}


def environment(folder: Path, pipeline_run: str) -> dict[str, str]:
    """What the pods of one pipeline run are told: its id, the tracking server, the cache volume."""
    return {
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "ENTP_PIPELINE_RUN_ID": pipeline_run,
        "ENTP_CACHE_DIR": str(folder / "cache"),
        # two cells run at once, and threads that wait would spin on each other's cores
        "OMP_WAIT_POLICY": "passive",
        # one conversion of the embedded model for all containers, which share nothing else
        **({"ENTP_MODEL_CACHE": str(folder / "models")} if os.environ.get("ENTP_TEST_IMAGE") else {}),
    }
