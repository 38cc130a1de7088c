"""Component of the stage `purge`."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Markdown, Metrics, Output, OutputPath

from components.container import DEFAULT_IMAGE, EXECUTOR_INPUT


@dsl.container_component
def purge(
    ingested: Input[Dataset],
    ingested_digest: str,
    seed: int,
    purge: dict,
    embed: dict,
    purged: Output[Dataset],
    metrics: Output[Metrics],
    summary: Output[Markdown],
    digest: OutputPath(str),
):
    """Repair, reject by rule, deduplicate; a verdict for every sample: see entp.purge."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "purge"],
        args=[
            "--parent", f"ingest={ingested.path}", "--expect", f"ingest={ingested_digest}",
            "--output", purged.path, "--digest", digest, "--summary", summary.path, "--metrics", metrics.path,
            "--executor-input", EXECUTOR_INPUT,
            f"seed={seed}",
            f"purge={purge}",
            f"embed={embed}",
        ],
    )  # fmt: skip
