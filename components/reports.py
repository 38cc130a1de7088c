"""Components that look at many datasets at once: reports, and the push to DVC."""

from collections.abc import Mapping, Sequence
from typing import Any

from kfp.dsl import HTML, Artifact, Dataset, Input, Markdown, Output
from kfp.dsl.base_component import BaseComponent

from components.container import (
    EXECUTOR_INPUT,
    component,
    dataset_arguments,
    datasets,
    section_arguments,
    sections,
)
from entp.stages import DATA_STAGES, STAGES, Stage, sections_of


def _report(name: str, stages: Sequence[Stage], about: str) -> BaseComponent:
    read = sections_of(stages)
    types = {
        **datasets(stages, digests=False),
        **sections(read),
        "ends_pipeline": str,
        "report": Output[HTML],
        "summary": Output[Markdown],
    }

    def arguments(given: Mapping[str, Any]) -> list[Any]:
        return [
            *("--html", given["report"].path, "--summary", given["summary"].path),
            *("--ends-pipeline", given["ends_pipeline"], "--executor-input", EXECUTOR_INPUT),
            *dataset_arguments(stages, given, digests=False),
            *section_arguments(read, given),
        ]

    description = f"Prove that every row is accounted for, draw the report of {about}, log it to MLflow."
    return component(name, description, types, arguments, command="report")


def _push() -> BaseComponent:
    read = sections_of(STAGES)
    types = {
        "pool": Input[Dataset],
        **datasets(DATA_STAGES, digests=False),
        **sections(read),
        "dvc_lock": str,
        "patch": Output[Artifact],
    }

    def arguments(given: Mapping[str, Any]) -> list[Any]:
        return [
            *("--pool", given["pool"].path, "--patch", given["patch"].path, "--lock", given["dvc_lock"]),
            *("--executor-input", EXECUTOR_INPUT),
            *dataset_arguments(DATA_STAGES, given, digests=False),
            *section_arguments(read, given),
        ]

    description = "Push every dataset to the DVC remote; `patch` is what Git's dvc.lock should become."
    return component("push", description, types, arguments)


data_report = _report("data_report", DATA_STAGES, "the data stages")
report = _report("report", STAGES, "the whole run")
push = _push()
