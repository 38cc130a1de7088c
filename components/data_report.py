"""Component that reports on the data, before any training."""

from kfp import dsl
from kfp.dsl import HTML, Dataset, Input, Markdown, Output

from components.container import DEFAULT_IMAGE, EXECUTOR_INPUT


@dsl.container_component
def data_report(
    ingested: Input[Dataset],
    purged: Input[Dataset],
    rated: Input[Dataset],
    curated: Input[Dataset],
    paired: Input[Dataset],
    mixed: Input[Dataset],
    assembled: Input[Dataset],
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
    ends_pipeline: str,
    report: Output[HTML],
    summary: Output[Markdown],
):
    """Prove that every row is accounted for, draw the report of the data stages, log them to MLflow."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "report"],
        args=[
            "--html", report.path, "--summary", summary.path, "--ends-pipeline", ends_pipeline,
            "--executor-input", EXECUTOR_INPUT,
            "--parent", f"ingest={ingested.path}",
            "--parent", f"purge={purged.path}",
            "--parent", f"rate={rated.path}",
            "--parent", f"curate={curated.path}",
            "--parent", f"pair={paired.path}",
            "--parent", f"mix={mixed.path}",
            "--parent", f"assemble={assembled.path}",
            f"seed={seed}", f"ingest={ingest}", f"purge={purge}", f"llm={llm}", f"embed={embed}",
            f"rate={rate}", f"curate={curate}", f"pair={pair}", f"mix={mix}", f"loss={loss}", f"audit={audit}",
            f"assemble={assemble}",
        ],
    )  # fmt: skip
