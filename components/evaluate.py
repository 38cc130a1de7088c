"""Component of the stage `evaluate`."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Markdown, Metrics, Model, Output, OutputPath

from components.container import DEFAULT_IMAGE, EXECUTOR_INPUT


@dsl.container_component
def evaluate(
    trained: Input[Model],
    trained_digest: str,
    seed: int,
    train: dict,
    evaluate: dict,
    llm: dict,
    evaluated: Output[Dataset],
    metrics: Output[Metrics],
    summary: Output[Markdown],
    digest: OutputPath(str),
):
    """Score the model before and after training on the same items: see entp.evaluate."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "evaluate"],
        args=[
            "--parent", f"train={trained.path}", "--expect", f"train={trained_digest}",
            "--output", evaluated.path, "--digest", digest, "--summary", summary.path, "--metrics", metrics.path,
            "--executor-input", EXECUTOR_INPUT,
            f"seed={seed}",
            f"train={train}",
            f"evaluate={evaluate}",
            f"llm={llm}",
        ],
    )  # fmt: skip
