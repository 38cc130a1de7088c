"""The data half of a pipeline: from the raw pool to the training set, with a report on it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kfp.dsl import PipelineTask

from components.reports import data_report
from components.run import fetch
from components.stages import STAGE_COMPONENTS
from entp.platform.profiles import Profile
from entp.stages import DATA_STAGES, Stage, stage_named
from pipelines.parameters import given_sections
from pipelines.placement import place

#: Tasks by the name of their step.
Tasks = dict[str, PipelineTask]


def data_steps(profile: Profile, given: Mapping[str, Any], stages: Sequence[Stage] = DATA_STAGES) -> Tasks:
    """The tasks of `fetch` and these stages, by step. `given` are the pipeline's inputs."""
    fetched = fetch(pool_name=given["pool_name"], pool_md5=given["pool_md5"])
    tasks: Tasks = {"fetch": place(fetched, "fetch", profile)}
    for stage in stages:
        tasks[stage.name] = stage_step(stage, profile, tasks, given)
    return tasks


def stage_step(stage: Stage, profile: Profile, tasks: Tasks, given: Mapping[str, Any]) -> PipelineTask:
    """A stage's task: what its parents made, with its digests, and the sections that it reads."""
    inputs = stage_inputs(stage, tasks, given)
    return place(STAGE_COMPONENTS[stage.name](**inputs), stage.name, profile)


def stage_inputs(stage: Stage, tasks: Tasks, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a stage's component takes."""
    if stage.parents:
        data = artifacts(tasks, map(stage_named, stage.parents), digests=True)
    else:
        data = {"pool": tasks["fetch"].outputs["pool"], "pool_digest": tasks["fetch"].outputs["digest"]}
    return {**data, **given_sections(given, [stage])}


def report_on_data(profile: Profile, tasks: Tasks, given: Mapping[str, Any], ends_pipeline: str) -> PipelineTask:
    """The report of the data steps. Not cached: it logs to the MLflow run of this very pipeline run."""
    task = data_report(
        **artifacts(tasks, DATA_STAGES), **given_sections(given, DATA_STAGES), ends_pipeline=ends_pipeline
    )
    return place(task, "data_report", profile).set_caching_options(False)


def artifacts(tasks: Tasks, stages: Iterable[Stage], digests: bool = False) -> dict[str, Any]:
    """What the stages made, as arguments, with digests where asked: a cache key holds no artifact's content."""
    found: dict[str, Any] = {}
    for stage in stages:
        found[stage.makes] = tasks[stage.name].outputs[stage.makes]
        if digests:
            found[f"{stage.makes}_digest"] = tasks[stage.name].outputs["digest"]
    return found
