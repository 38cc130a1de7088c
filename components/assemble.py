"""Component of the stage `assemble`."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Markdown, Metrics, Output, OutputPath

from components.container import DEFAULT_IMAGE, EXECUTOR_INPUT


@dsl.container_component
def assemble(
    purged: Input[Dataset],
    purged_digest: str,
    curated: Input[Dataset],
    curated_digest: str,
    paired: Input[Dataset],
    paired_digest: str,
    mixed: Input[Dataset],
    mixed_digest: str,
    seed: int,
    assemble: dict,
    assembled: Output[Dataset],
    metrics: Output[Metrics],
    summary: Output[Markdown],
    digest: OutputPath(str),
):
    """The training set: fusions and HQ samples, with a dataset card: see entp.assemble."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "assemble"],
        args=[
            "--parent", f"purge={purged.path}", "--expect", f"purge={purged_digest}",
            "--parent", f"curate={curated.path}", "--expect", f"curate={curated_digest}",
            "--parent", f"pair={paired.path}", "--expect", f"pair={paired_digest}",
            "--parent", f"mix={mixed.path}", "--expect", f"mix={mixed_digest}",
            "--output", assembled.path, "--digest", digest, "--summary", summary.path, "--metrics", metrics.path,
            "--executor-input", EXECUTOR_INPUT,
            f"seed={seed}",
            f"assemble={assemble}",
        ],
    )  # fmt: skip
