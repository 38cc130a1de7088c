"""Component of the stage `pair`."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Markdown, Metrics, Output, OutputPath

from components.container import DEFAULT_IMAGE, EXECUTOR_INPUT


@dsl.container_component
def pair(
    purged: Input[Dataset],
    purged_digest: str,
    curated: Input[Dataset],
    curated_digest: str,
    seed: int,
    pair: dict,
    paired: Output[Dataset],
    metrics: Output[Metrics],
    summary: Output[Markdown],
    digest: OutputPath(str),
):
    """Disjoint pairs of complementary low-quality samples: see entp.pair."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "pair"],
        args=[
            "--parent", f"purge={purged.path}", "--expect", f"purge={purged_digest}",
            "--parent", f"curate={curated.path}", "--expect", f"curate={curated_digest}",
            "--output", paired.path, "--digest", digest, "--summary", summary.path, "--metrics", metrics.path,
            "--executor-input", EXECUTOR_INPUT,
            f"seed={seed}",
            f"pair={pair}",
        ],
    )  # fmt: skip
