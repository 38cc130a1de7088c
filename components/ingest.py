"""Component of the stage `ingest`."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Markdown, Metrics, Output, OutputPath

from components.container import DEFAULT_IMAGE, EXECUTOR_INPUT


@dsl.container_component
def ingest(
    pool: Input[Dataset],
    pool_digest: str,
    ingest: dict,
    ingested: Output[Dataset],
    metrics: Output[Metrics],
    summary: Output[Markdown],
    digest: OutputPath(str),
):
    """Raw files to canonical samples; rows that cannot be read go to quarantine: see entp.ingest."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "ingest"],
        args=[
            "--parent", f"pool={pool.path}", "--expect", f"pool={pool_digest}",
            "--output", ingested.path, "--digest", digest, "--summary", summary.path, "--metrics", metrics.path,
            "--executor-input", EXECUTOR_INPUT,
            f"ingest={ingest}",
        ],
    )  # fmt: skip
