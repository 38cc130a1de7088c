"""Components around the stages: the pool at the beginning, a person's word and the promotion, and the end."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Model, Output, OutputPath

from components.container import DEFAULT_IMAGE, EXECUTOR_INPUT


@dsl.container_component
def fetch(pool_name: str, pool_md5: str, pool: Output[Dataset], digest: OutputPath(str)):
    """Pull the raw pool by its DVC digest, or take the sample pool of the image: see entp.platform.data_version."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "fetch"],
        args=[
            "--name", pool_name, "--md5", pool_md5, "--output", pool.path, "--digest", digest,
            "--executor-input", EXECUTOR_INPUT,
        ],
    )  # fmt: skip


@dsl.container_component
def approve(required: str, hours: float, decision: OutputPath(str)):
    """Wait for the tag entp.approval of the MLflow run, where `required` is `yes`: see entp.platform.approval."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "approve"],
        args=["--required", required, "--hours", hours, "--decision", decision],
    )


@dsl.container_component
def promote(trained: Input[Model], evaluated: Input[Dataset], decided: Input[Dataset], gate: dict, answer: str):
    """Register the model and move the champion alias to it, where the answer is `approved`: see entp.gate."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "promote"],
        args=[
            "--train", trained.path, "--evaluate", evaluated.path, "--gate", decided.path,
            "--answer", answer, f"gate={gate}",
        ],
    )  # fmt: skip


@dsl.container_component
def finish():
    """FINISHED where the report was written, FAILED otherwise: see entp.platform.tracking."""
    return dsl.ContainerSpec(image=DEFAULT_IMAGE, command=["entp", "step", "finish"])
