"""Component that puts the datasets under DVC."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Output

from components.container import DEFAULT_IMAGE, EXECUTOR_INPUT


@dsl.container_component
def push(
    pool: Input[Dataset],
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
    train: dict,
    evaluate: dict,
    gate: dict,
    dvc_lock: str,
    patch: Output[Artifact],
):
    """Push every dataset to the DVC remote; `patch` is what Git's dvc.lock should become."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "push"],
        args=[
            "--pool", pool.path, "--patch", patch.path, "--lock", dvc_lock,
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
            f"train={train}", f"evaluate={evaluate}", f"gate={gate}",
        ],
    )  # fmt: skip
