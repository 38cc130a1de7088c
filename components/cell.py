"""Component of one cell of a comparison: one method, one seed."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Output, OutputPath

from components.container import DEFAULT_IMAGE, EXECUTOR_INPUT


@dsl.container_component
def cell(
    purged: Input[Dataset],
    purged_digest: str,
    curated: Input[Dataset],
    curated_digest: str,
    cell: dict,
    llm: dict,
    rate: dict,
    embed: dict,
    pair: dict,
    mix: dict,
    loss: dict,
    audit: dict,
    assemble: dict,
    train: dict,
    evaluate: dict,
    metrics: Output[Metrics],
    scores: OutputPath(dict),
):
    """Pair, mix, assemble, train and evaluate under a method's settings: see entp.platform.cell."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "cell"],
        args=[
            "--parent", f"purge={purged.path}", "--expect", f"purge={purged_digest}",
            "--parent", f"curate={curated.path}", "--expect", f"curate={curated_digest}",
            "--cell", cell, "--metrics", metrics.path, "--scores", scores,
            "--executor-input", EXECUTOR_INPUT,
            f"llm={llm}", f"rate={rate}", f"embed={embed}", f"pair={pair}", f"mix={mix}", f"loss={loss}",
            f"audit={audit}", f"assemble={assemble}", f"train={train}", f"evaluate={evaluate}",
        ],
    )  # fmt: skip
