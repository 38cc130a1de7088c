"""Components around the stages: the pool at the beginning, a person's word and the promotion, and the end."""

from kfp.dsl import Dataset, Output, OutputPath

from components.container import EXECUTOR_INPUT, component, datasets
from entp.stages import MODEL_STAGES

fetch = component(
    "fetch",
    "Pull the raw pool by its DVC digest, or take the sample pool of the image: see entp.platform.data_version.",
    {"pool_name": str, "pool_md5": str, "pool": Output[Dataset], "digest": OutputPath(str)},
    lambda given: [
        *("--name", given["pool_name"], "--md5", given["pool_md5"]),
        *("--output", given["pool"].path, "--digest", given["digest"], "--executor-input", EXECUTOR_INPUT),
    ],
)

approve = component(
    "approve",
    "Wait for the tag entp.approval of the MLflow run, where `required` is `yes`: see entp.platform.approval.",
    {"required": str, "hours": float, "decision": OutputPath(str)},
    lambda given: ["--required", given["required"], "--hours", given["hours"], "--decision", given["decision"]],
)

promote = component(
    "promote",
    "Register the model and move the champion alias to it, where the answer is `approved`: see entp.gate.",
    {**datasets(MODEL_STAGES, digests=False), "gate": dict, "answer": str},
    lambda given: [
        *(part for stage in MODEL_STAGES for part in (f"--{stage.name}", given[stage.makes].path)),
        *("--answer", given["answer"], f"gate={given['gate']}"),
    ],
)

finish = component(
    "finish", "FINISHED where the report was written, FAILED otherwise: see entp.platform.tracking.", {}, lambda _: []
)
