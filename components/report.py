"""Component that reports on the whole run."""

from kfp import dsl
from kfp.dsl import HTML, Dataset, Input, Markdown, Model, Output

from components.container import DEFAULT_IMAGE, EXECUTOR_INPUT


@dsl.container_component
def report(
    ingested: Input[Dataset],
    purged: Input[Dataset],
    rated: Input[Dataset],
    curated: Input[Dataset],
    paired: Input[Dataset],
    mixed: Input[Dataset],
    assembled: Input[Dataset],
    trained: Input[Model],
    evaluated: Input[Dataset],
    decided: Input[Dataset],
    seed: int,
    ingest: dict,
    purge: dict,
    llm: dict,
    embed: dict,
    rate: dict,
    curate: dict,
    pair: dict,
    mix: dict,
    loss: dict,
    audit: dict,
    assemble: dict,
    train: dict,
    evaluate: dict,
    gate: dict,
    report: Output[HTML],
    summary: Output[Markdown],
):
    """Prove that every row is accounted for, draw the report, log everything to MLflow."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "report"],
        args=[
            "--html", report.path, "--summary", summary.path, "--ends-pipeline", "yes",
            "--executor-input", EXECUTOR_INPUT,
            "--parent", f"ingest={ingested.path}",
            "--parent", f"purge={purged.path}",
            "--parent", f"rate={rated.path}",
            "--parent", f"curate={curated.path}",
            "--parent", f"pair={paired.path}",
            "--parent", f"mix={mixed.path}",
            "--parent", f"assemble={assembled.path}",
            "--parent", f"train={trained.path}",
            "--parent", f"evaluate={evaluated.path}",
            "--parent", f"gate={decided.path}",
            f"seed={seed}", f"ingest={ingest}", f"purge={purge}", f"llm={llm}", f"embed={embed}",
            f"rate={rate}", f"curate={curate}", f"pair={pair}", f"mix={mix}", f"loss={loss}", f"audit={audit}",
            f"assemble={assemble}",
            f"train={train}", f"evaluate={evaluate}", f"gate={gate}",
        ],
    )  # fmt: skip
