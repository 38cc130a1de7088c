"""Components of a comparison: the grid of methods and seeds, one cell of it, and the table of all cells."""

from collections.abc import Mapping
from typing import Any

from kfp.dsl import Dataset, Input, Markdown, Metrics, Output, OutputPath
from kfp.dsl.base_component import BaseComponent

from components.container import (
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


grid = component(
    "grid",
    "The cells of a comparison, checked before anything is trained: see entp.platform.compare_steps.",
    {"methods": list, "seeds": list, "rows": int, "held_out": int, "cells": OutputPath(list)},
    lambda given: [
        *("--methods", given["methods"], "--seeds", given["seeds"]),
        *("--rows", given["rows"], "--held-out", given["held_out"], "--cells", given["cells"]),
    ],
)


def _cell() -> BaseComponent:
    types = {
        **datasets(CURATED_POOL, digests=True),
        "cell": dict,
        **sections(CELL_SECTIONS),
        "metrics": Output[Metrics],
        "results": Output[Dataset],
    }

    def arguments(given: Mapping[str, Any]) -> list[Any]:
        return [
            *dataset_arguments(CURATED_POOL, given, digests=True),
            *("--cell", given["cell"], "--metrics", given["metrics"].path, "--results", given["results"].path),
            *("--executor-input", EXECUTOR_INPUT),
            *section_arguments(CELL_SECTIONS, given),
        ]

    description = "Pair, mix, assemble, train and evaluate under a method's settings: see entp.platform.compare_steps."
    return component("cell", description, types, arguments)


cell = _cell()


#: Kubeflow names the paths of a list nowhere but in its description of the step.
comparison = component(
    "comparison",
    "Every method on every task, with intervals over seeds and items: see entp.platform.compare_steps.",
    {"results": Input[list[Dataset]], "table": Output[Markdown]},
    lambda given: ["--table", given["table"].path, "--executor-input", EXECUTOR_INPUT],
)
