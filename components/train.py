"""Component of the stage `train`."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Markdown, Metrics, Model, Output, OutputPath

from components.container import DEFAULT_IMAGE, EXECUTOR_INPUT


@dsl.container_component
def train(
    assembled: Input[Dataset],
    assembled_digest: str,
    seed: int,
    train: dict,
    trained: Output[Model],
    metrics: Output[Metrics],
    summary: Output[Markdown],
    digest: OutputPath(str),
):
    """Fine-tune the base model on the training set; resumes from its last checkpoint: see entp.train."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "train"],
        args=[
            "--parent", f"assemble={assembled.path}", "--expect", f"assemble={assembled_digest}",
            "--output", trained.path, "--digest", digest, "--summary", summary.path, "--metrics", metrics.path,
            "--executor-input", EXECUTOR_INPUT,
            f"seed={seed}",
            f"train={train}",
        ],
    )  # fmt: skip
