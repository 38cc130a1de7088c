"""Component of the stage `curate`."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Markdown, Metrics, Output, OutputPath

from components.container import DEFAULT_IMAGE, EXECUTOR_INPUT


@dsl.container_component
def curate(
    purged: Input[Dataset],
    purged_digest: str,
    rated: Input[Dataset],
    rated_digest: str,
    seed: int,
    curate: dict,
    embed: dict,
    curated: Output[Dataset],
    metrics: Output[Metrics],
    summary: Output[Markdown],
    digest: OutputPath(str),
):
    """Correct the scores by the raters' transition matrix; split into HQ, LQ and undecided: see entp.curate."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "curate"],
        args=[
            "--parent", f"purge={purged.path}", "--expect", f"purge={purged_digest}",
            "--parent", f"rate={rated.path}", "--expect", f"rate={rated_digest}",
            "--output", curated.path, "--digest", digest, "--summary", summary.path, "--metrics", metrics.path,
            "--executor-input", EXECUTOR_INPUT,
            f"seed={seed}",
            f"curate={curate}",
            f"embed={embed}",
        ],
    )  # fmt: skip
