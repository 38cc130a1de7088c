"""`entp-purge-mix-sft`: the product. Raw pool to training set to fine-tuned, evaluated, gated and promoted model."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Model
from kfp.dsl.base_component import BaseComponent

from components.approve import approve
from components.evaluate import evaluate as evaluate_model
from components.finish import finish
from components.gate import gate as decide
from components.promote import promote
from components.push import push
from components.report import report
from components.train import train as train_model
from components.train_on_nodes import train_on_nodes
from entp.platform.profiles import Profile
from pipelines.data_steps import Tasks, artifacts, data_steps, report_on_data
from pipelines.parameters import defaults
from pipelines.placement import place


def purge_mix_sft(profile: Profile) -> BaseComponent:
    """The pipeline, placed by `profile`. Its exit handler ends the MLflow run, whatever happened."""
    default = defaults(profile)
    promotion = _promotion(profile)

    @dsl.pipeline(name="entp-purge-mix-sft", description="Purge-mix a pool, fine-tune on it, evaluate, gate, promote.")
    def pipeline(
        pool_name: str = "pool",
        pool_md5: str = "",
        dvc_lock: str = "",
        require_approval: str = "no",
        approval_hours: float = 72.0,
        seed: int = default["seed"],
        ingest: dict = default["ingest"],
        purge: dict = default["purge"],
        llm: dict = default["llm"],
        embed: dict = default["embed"],
        rate: dict = default["rate"],
        curate: dict = default["curate"],
        pair: dict = default["pair"],
        mix: dict = default["mix"],
        loss: dict = default["loss"],
        audit: dict = default["audit"],
        assemble: dict = default["assemble"],
        train: dict = default["train"],
        evaluate: dict = default["evaluate"],
        gate: dict = default["gate"],
    ):
        sections = {
            "seed": seed, "ingest": ingest, "purge": purge, "llm": llm, "embed": embed, "rate": rate,
            "curate": curate, "pair": pair, "mix": mix, "loss": loss, "audit": audit, "assemble": assemble,
        }  # fmt: skip
        ended = place(finish(), "finish", profile).set_caching_options(False)
        with dsl.ExitHandler(ended, name="purge-mix-sft"):
            tasks = data_steps(profile, pool_name, pool_md5, sections)
            pool, datasets = (
                tasks["fetch"].outputs["pool"],
                artifacts(tasks, [step for step in tasks if step != "fetch"]),
            )
            checked = report_on_data(profile, tasks, sections, ends_pipeline="no")
            everything = {**sections, "train": train, "evaluate": evaluate, "gate": gate}
            place(push(pool=pool, **datasets, **everything, dvc_lock=dvc_lock), "push", profile).after(checked)

            _model_steps(profile, tasks, everything, checked)
            reported = report(**datasets, **artifacts(tasks, ("train", "evaluate", "gate")), **everything)
            place(reported, "report", profile).set_caching_options(False)
            promotion(
                **artifacts(tasks, ("train", "evaluate", "gate")),
                verdict=tasks["gate"].outputs["verdict"],
                gate=gate,
                require_approval=require_approval,
                approval_hours=approval_hours,
            ).after(reported)

    return pipeline


def _model_steps(profile: Profile, tasks: Tasks, sections: dict, checked: dsl.PipelineTask) -> None:
    """Train once the rows are accounted for, evaluate, decide; added to `tasks`.

    The gate is not cached: its champion may be another one by now.
    """
    tasks["train"] = _training(profile, tasks, sections).after(checked)
    evaluation = evaluate_model(
        **artifacts(tasks, ["train"], digests=True),
        seed=sections["seed"],
        train=sections["train"],
        evaluate=sections["evaluate"],
        llm=sections["llm"],
    )
    tasks["evaluate"] = place(evaluation, "evaluate", profile)
    decision = decide(**artifacts(tasks, ["train", "evaluate"], digests=True), gate=sections["gate"])
    tasks["gate"] = place(decision, "gate", profile).set_caching_options(False)


def _training(profile: Profile, tasks: Tasks, sections: dict) -> dsl.PipelineTask:
    """The stage itself, or a launcher where the profile trains on several nodes."""
    inputs = {
        **artifacts(tasks, ["assemble"], digests=True),
        "seed": sections["seed"],
        "train": sections["train"],
    }
    work = profile.of("train")
    if work.nodes == 1:
        return place(train_model(**inputs), "train", profile)
    launcher = train_on_nodes(
        **inputs, work=work.model_dump(mode="json", exclude_none=True), image=profile.images[work.image]
    )
    return place(launcher, "train_on_nodes", profile)


def _promotion(profile: Profile) -> BaseComponent:
    """Only where the gate said `promote`: wait for a person where one is required, then move the alias."""

    @dsl.pipeline(name="promotion")
    def pipeline(
        trained: Input[Model],
        evaluated: Input[Dataset],
        decided: Input[Dataset],
        verdict: str,
        gate: dict,
        require_approval: str,
        approval_hours: float,
    ):
        with dsl.If(verdict == "promote", name="the-gate-says-promote"):
            asked = place(approve(required=require_approval, hours=approval_hours), "approve", profile)
            asked.set_caching_options(False)
            done = promote(
                trained=trained, evaluated=evaluated, decided=decided, gate=gate, answer=asked.outputs["decision"]
            )
            place(done, "promote", profile).set_caching_options(False)

    return pipeline
