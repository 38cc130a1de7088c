"""`entp-data-only`: raw pool to training set, with its report; no model is trained."""

from kfp import dsl
from kfp.dsl.base_component import BaseComponent

from components.finish import finish
from entp.platform.profiles import Profile
from pipelines.data_steps import data_steps, report_on_data
from pipelines.parameters import defaults
from pipelines.placement import place


def data_only(profile: Profile) -> BaseComponent:
    """The pipeline, placed by `profile`."""
    default = defaults(profile)

    @dsl.pipeline(name="entp-data-only", description="Purge, rate, curate, pair and mix a pool into a training set.")
    def pipeline(
        pool_name: str = "pool",
        pool_md5: str = "",
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
    ):
        sections = {
            "seed": seed, "ingest": ingest, "purge": purge, "llm": llm, "embed": embed, "rate": rate,
            "curate": curate, "pair": pair, "mix": mix, "loss": loss, "audit": audit, "assemble": assemble,
        }  # fmt: skip
        ended = place(finish(), "finish", profile).set_caching_options(False)
        with dsl.ExitHandler(ended, name="data"):
            tasks = data_steps(profile, pool_name, pool_md5, sections)
            report_on_data(profile, tasks, sections, ends_pipeline="yes")

    return pipeline
