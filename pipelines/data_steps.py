"""The data half of a pipeline: from the raw pool to the training set, with a report on it."""

from collections.abc import Mapping
from typing import Any

from kfp.dsl import PipelineTask

from components.assemble import assemble
from components.curate import curate
from components.data_report import data_report
from components.fetch import fetch
from components.ingest import ingest
from components.mix import mix
from components.pair import pair
from components.purge import purge
from components.rate import rate
from entp.platform.profiles import Profile
from pipelines.parameters import DATA_SECTIONS
from pipelines.placement import place

#: Stage -> the artifact its component writes.
ARTIFACTS = {
    "ingest": "ingested",
    "purge": "purged",
    "rate": "rated",
    "curate": "curated",
    "pair": "paired",
    "mix": "mixed",
    "assemble": "assembled",
    "train": "trained",
    "evaluate": "evaluated",
    "gate": "decided",
}

Tasks = dict[str, PipelineTask]


def data_steps(profile: Profile, pool_name: Any, pool_md5: Any, sections: Mapping[str, Any]) -> Tasks:
    """The tasks from `fetch` to `assemble`, by step. `sections` are the pipeline's configuration parameters."""
    tasks = curated_pool(profile, pool_name, pool_md5, sections)
    _add(tasks, profile, sections, "pair", pair, ["purge", "curate"])
    _add(tasks, profile, sections, "mix", mix, ["purge", "curate", "pair"])
    _add(tasks, profile, sections, "assemble", assemble, ["purge", "curate", "pair", "mix"])
    return tasks


def curated_pool(profile: Profile, pool_name: Any, pool_md5: Any, sections: Mapping[str, Any]) -> Tasks:
    """The tasks from `fetch` to `curate`, by step."""
    fetched = place(fetch(pool_name=pool_name, pool_md5=pool_md5), "fetch", profile)
    ingested = ingest(pool=fetched.outputs["pool"], pool_digest=fetched.outputs["digest"], ingest=sections["ingest"])
    tasks: Tasks = {"fetch": fetched, "ingest": place(ingested, "ingest", profile)}
    _add(tasks, profile, sections, "purge", purge, ["ingest"])
    _add(tasks, profile, sections, "rate", rate, ["purge"])
    _add(tasks, profile, sections, "curate", curate, ["purge", "rate"])
    return tasks


def _add(
    tasks: Tasks, profile: Profile, sections: Mapping[str, Any], step: str, component: Any, parents: list[str]
) -> None:
    """Add a stage's task: its parents' artifacts with their digests, and the sections that it takes."""
    chosen = {name: sections[name] for name in component.component_spec.inputs if name in sections}
    tasks[step] = place(component(**artifacts(tasks, parents, digests=True), **chosen), step, profile)


def report_on_data(profile: Profile, tasks: Tasks, sections: Mapping[str, Any], ends_pipeline: str) -> PipelineTask:
    """The report of the data steps. Not cached: it logs to the MLflow run of this very pipeline run."""
    task = data_report(
        **artifacts(tasks, [step for step in tasks if step != "fetch"]),
        **{name: sections[name] for name in DATA_SECTIONS},
        ends_pipeline=ends_pipeline,
    )
    return place(task, "data_report", profile).set_caching_options(False)


def artifacts(tasks: Tasks, steps: Any, digests: bool = False) -> dict[str, Any]:
    """The steps' artifacts as arguments, with their digests where asked: a cache key holds no artifact's content."""
    found = {ARTIFACTS[step]: tasks[step].outputs[ARTIFACTS[step]] for step in steps}
    if digests:
        found |= {f"{ARTIFACTS[step]}_digest": tasks[step].outputs["digest"] for step in steps}
    return found
