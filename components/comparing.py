"""Components of a comparison: the grid of methods and seeds, one cell of it, and the table of all cells."""

from typing import Any, List  # noqa: UP035  (as below)

from kfp import dsl
from kfp.dsl import Dataset, Input, Markdown, Metrics, Output, OutputPath
from kfp.dsl.base_component import BaseComponent

from components.container import (
    DEFAULT_IMAGE,
    EXECUTOR_INPUT,
    component,
    dataset_arguments,
    datasets,
    section_arguments,
    sections,
)
from entp.stages import between, sections_of, stage_named

#: What a cell starts from, and the sections that its stages read; its seed is its own.
CURATED_POOL = (stage_named("purge"), stage_named("curate"))
CELL_SECTIONS = tuple(name for name in sections_of(between("pair", "evaluate")) if name != "seed")


@dsl.container_component
def grid(methods: list, seeds: list, rows: int, held_out: int, cells: OutputPath(list)):
    """The cells of a comparison, checked before anything is trained: see entp.platform.compare_steps."""
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "grid"],
        args=["--methods", methods, "--seeds", seeds, "--rows", rows, "--held-out", held_out, "--cells", cells],
    )


def _cell() -> BaseComponent:
    types = {
        **datasets(CURATED_POOL, digests=True),
        "cell": dict,
        **sections(CELL_SECTIONS),
        "metrics": Output[Metrics],
        "results": Output[Dataset],
    }

    def arguments(**given: Any) -> list[Any]:
        return [
            *dataset_arguments(CURATED_POOL, given, digests=True),
            *("--cell", given["cell"], "--metrics", given["metrics"].path, "--results", given["results"].path),
            *("--executor-input", EXECUTOR_INPUT),
            *section_arguments(CELL_SECTIONS, given),
        ]

    description = "Pair, mix, assemble, train and evaluate under a method's settings: see entp.platform.compare_steps."
    return component("cell", description, types, arguments)


cell = _cell()


@dsl.container_component
def comparison(results: Input[List[Dataset]], table: Output[Markdown]):  # noqa: UP006  (KFP reads typing's List)
    """Every method on every task, with intervals over seeds and items: see entp.platform.compare_steps."""
    del results  # Kubeflow names the paths of a list nowhere but in its description of the step
    return dsl.ContainerSpec(
        image=DEFAULT_IMAGE,
        command=["entp", "step", "comparison"],
        args=["--table", table.path, "--executor-input", EXECUTOR_INPUT],
    )
