"""The components of the stages, made from their table."""

from collections.abc import Mapping, Sequence
from typing import Any

from kfp.dsl import Dataset, Input, Markdown, Metrics, Output, OutputPath
from kfp.dsl.base_component import BaseComponent

from components.container import (
    EXECUTOR_INPUT,
    component,
    dataset_arguments,
    datasets,
    made,
    section_arguments,
    sections,
)
from entp.stages import STAGES, Stage, stage_named


def stage_component(
    stage: Stage,
    name: str | None = None,
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    settings: Sequence[str] = (),
) -> BaseComponent:
    """The component of a stage: its parents with their digests and its sections in; its dataset and figures out.

    `inputs` and `outputs` go to options of their own names, in a variant of the stage under another `name` as in the
    stage itself; `settings` are fixed.
    """
    inputs, outputs = inputs or {}, outputs or {}
    parents = [stage_named(parent) for parent in stage.parents]
    types = {
        **(datasets(parents, digests=True) or {"pool": Input[Dataset], "pool_digest": str}),
        **sections(stage.sections),
        **inputs,
        **made(stage),
        "metrics": Output[Metrics],
        "summary": Output[Markdown],
        "digest": OutputPath(str),
        **outputs,
    }

    def arguments(given: Mapping[str, Any]) -> list[Any]:
        raw = [] if parents else ["--parent", f"pool={given['pool'].path}", "--expect", f"pool={given['pool_digest']}"]
        return [
            *raw,
            *dataset_arguments(parents, given, digests=True),
            *("--output", given[stage.makes].path, "--digest", given["digest"]),
            *("--summary", given["summary"].path, "--metrics", given["metrics"].path),
            *(part for option in outputs for part in (f"--{option}", given[option])),
            *("--executor-input", EXECUTOR_INPUT),
            *(part for option in inputs for part in (f"--{option}", given[option])),
            *section_arguments(stage.sections, given),
            *settings,
        ]

    name = name or stage.name
    description = f"{stage.title}: see entp.{stage.name}."
    return component(name, description, types, arguments, command=name.replace("_", "-"))


#: The gate of a pipeline says `promote` or `keep`, and leaves the promotion to a step of its own.
_OWN: Mapping[str, Mapping[str, Any]] = {
    "gate": {"outputs": {"verdict": OutputPath(str)}, "settings": ["gate.hold=true"]}
}
STAGE_COMPONENTS = {stage.name: stage_component(stage, **_OWN.get(stage.name, {})) for stage in STAGES}

#: The stage `train` on several nodes: a launcher that waits for a TrainJob.
train_on_nodes = stage_component(stage_named("train"), "train_on_nodes", inputs={"work": dict, "image": str})
