"""Component of the stage `rate`."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Markdown, Metrics, Output, OutputPath

from components.container import DEFAULT_IMAGE, EXECUTOR_INPUT


@dsl.container_component
def rate(
    purged: Input[Dataset],
    purged_digest: str,
    seed: int,
    rate: dict,
    llm: dict,
    rated: Output[Dataset],
    metrics: Output[Metrics],
    summary: Output[Markdown],
    digest: OutputPath(str),
):
    """Score every kept sample by each rater: see entp.rate."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "rate"],
        args=[
            "--parent", f"purge={purged.path}", "--expect", f"purge={purged_digest}",
            "--output", rated.path, "--digest", digest, "--summary", summary.path, "--metrics", metrics.path,
            "--executor-input", EXECUTOR_INPUT,
            f"seed={seed}",
            f"rate={rate}",
            f"llm={llm}",
        ],
    )  # fmt: skip
