"""Component of the stage `mix`."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Markdown, Metrics, Output, OutputPath

from components.container import DEFAULT_IMAGE, EXECUTOR_INPUT


@dsl.container_component
def mix(
    purged: Input[Dataset],
    purged_digest: str,
    curated: Input[Dataset],
    curated_digest: str,
    paired: Input[Dataset],
    paired_digest: str,
    seed: int,
    mix: dict,
    loss: dict,
    audit: dict,
    llm: dict,
    rate: dict,
    embed: dict,
    mixed: Output[Dataset],
    metrics: Output[Metrics],
    summary: Output[Markdown],
    digest: OutputPath(str),
):
    """Fuse each pair into a new sample under the symbolic loss: see entp.mix."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "mix"],
        args=[
            "--parent", f"purge={purged.path}", "--expect", f"purge={purged_digest}",
            "--parent", f"curate={curated.path}", "--expect", f"curate={curated_digest}",
            "--parent", f"pair={paired.path}", "--expect", f"pair={paired_digest}",
            "--output", mixed.path, "--digest", digest, "--summary", summary.path, "--metrics", metrics.path,
            "--executor-input", EXECUTOR_INPUT,
            f"seed={seed}",
            f"mix={mix}",
            f"loss={loss}",
            f"audit={audit}",
            f"llm={llm}",
            f"rate={rate}",
            f"embed={embed}",
        ],
    )  # fmt: skip
