"""`entp-purge-mix-sft`: the product. Raw pool to training set to fine-tuned, evaluated, gated and promoted model."""

from collections.abc import Mapping
from typing import Any

from kfp import dsl
from kfp.dsl.base_component import BaseComponent

from components.container import datasets
from components.reports import push, report
from components.run import approve, finish, promote
from components.stages import train_on_nodes
from entp.platform.profiles import Profile
from entp.stages import DATA_STAGES, MODEL_STAGES, STAGES, Stage
from pipelines.data_steps import Tasks, artifacts, data_steps, report_on_data, stage_inputs, stage_step
from pipelines.parameters import POOL, POOL_DEFAULTS, given_sections, pipeline, section_defaults, section_types
from pipelines.placement import place

#: What the promotion asks of a person: whether to wait for a word, and how long.
APPROVAL = {"require_approval": str, "approval_hours": float}


def purge_mix_sft(profile: Profile) -> BaseComponent:
    """The pipeline, placed by `profile`. Its exit handler ends the MLflow run, whatever happened."""
    promotion = _promotion(profile)

    def steps(given: Mapping[str, Any]) -> None:
        ended = place(finish(), "finish", profile).set_caching_options(False)
        with dsl.ExitHandler(ended, name="purge-mix-sft"):
            tasks = data_steps(profile, given)
            checked = report_on_data(profile, tasks, given, ends_pipeline="no")
            pushed = push(
                pool=tasks["fetch"].outputs["pool"],
                **artifacts(tasks, DATA_STAGES),
                **given_sections(given, STAGES),
                dvc_lock=given["dvc_lock"],
            )
            place(pushed, "push", profile).after(checked)

            for stage in MODEL_STAGES:
                tasks[stage.name] = _model_step(stage, profile, tasks, given)
            # Rows are accounted for before anything is trained on them.
            tasks["train"].after(checked)
            # Its champion may be another one by now.
            tasks["gate"].set_caching_options(False)
            reported = report(**artifacts(tasks, STAGES), **given_sections(given, STAGES), ends_pipeline="yes")
            place(reported, "report", profile).set_caching_options(False)
            promotion(
                **artifacts(tasks, MODEL_STAGES),
                verdict=tasks["gate"].outputs["verdict"],
                gate=given["gate"],
                **{name: given[name] for name in APPROVAL},
            ).after(reported)

    return pipeline(
        "entp-purge-mix-sft",
        {**POOL, "dvc_lock": str, **APPROVAL, **section_types(STAGES)},
        {
            **POOL_DEFAULTS,
            "dvc_lock": "",
            "require_approval": "no",
            "approval_hours": 72.0,
            **section_defaults(profile, STAGES),
        },
        steps,
        "Purge-mix a pool, fine-tune on it, evaluate, gate, promote.",
    )


def _model_step(stage: Stage, profile: Profile, tasks: Tasks, given: Mapping[str, Any]) -> dsl.PipelineTask:
    """The stage itself; for `train`, a launcher where the profile trains on several nodes."""
    work = profile.of(stage.name)
    if work.nodes == 1:
        return stage_step(stage, profile, tasks, given)
    launcher = train_on_nodes(
        **stage_inputs(stage, tasks, given),
        work=work.model_dump(mode="json", exclude_none=True),
        image=profile.images[work.image],
    )
    return place(launcher, "train_on_nodes", profile)


def _promotion(profile: Profile) -> BaseComponent:
    """Only where the gate said `promote`: wait for a person where one is required, then move the alias."""

    def steps(given: Mapping[str, Any]) -> None:
        with dsl.If(given["verdict"] == "promote", name="the-gate-says-promote"):
            asking = approve(required=given["require_approval"], hours=given["approval_hours"])
            asked = place(asking, "approve", profile).set_caching_options(False)
            done = promote(
                **{stage.makes: given[stage.makes] for stage in MODEL_STAGES},
                gate=given["gate"],
                answer=asked.outputs["decision"],
            )
            place(done, "promote", profile).set_caching_options(False)

    types = {**datasets(MODEL_STAGES, digests=False), "verdict": str, "gate": dict, **APPROVAL}
    return pipeline("promotion", types, {}, steps)
