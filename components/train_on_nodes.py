"""Component of the stage `train` on several nodes: a launcher that waits for a TrainJob."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Markdown, Metrics, Model, Output, OutputPath

from components.container import DEFAULT_IMAGE, EXECUTOR_INPUT


@dsl.container_component
def train_on_nodes(
    assembled: Input[Dataset],
    assembled_digest: str,
    seed: int,
    train: dict,
    work: dict,
    image: str,
    trained: Output[Model],
    metrics: Output[Metrics],
    summary: Output[Markdown],
    digest: OutputPath(str),
):
    """Fine-tune the base model in a TrainJob: see entp.platform.distributed."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "train-on-nodes"],
        args=[
            "--parent", f"assemble={assembled.path}", "--expect", f"assemble={assembled_digest}",
            "--output", trained.path, "--digest", digest, "--summary", summary.path, "--metrics", metrics.path,
            "--executor-input", EXECUTOR_INPUT, "--work", work, "--image", image,
            f"seed={seed}", f"train={train}",
        ],
    )  # fmt: skip
