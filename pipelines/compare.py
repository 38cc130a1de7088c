"""`entp-compare`: methods x seeds on one curated pool, each cell in a pod of its own, and one table."""

from kfp import dsl
from kfp.dsl.base_component import BaseComponent

from components.cell import cell
from components.comparison import comparison
from components.finish import finish
from components.grid import grid
from entp.platform.profiles import Profile
from pipelines.data_steps import artifacts, curated_pool
from pipelines.parameters import defaults
from pipelines.placement import place

#: A method is a name and the settings that make it: what differs from the pipeline's parameters.
METHODS = [
    {"name": "entp", "settings": []},
    {"name": "one_try", "settings": ["mix.instruction_tries=1", "mix.answer_tries=1"]},
    {"name": "no_judge", "settings": ["mix.instruction_judge_weight=0", "mix.answer_judge_weight=0"]},
    {"name": "no_fallback", "settings": ["mix.one_to_one_fallback=false"]},
    {"name": "fusions_only", "settings": ["assemble.hq_share=0", "assemble.fill_rows=0"]},
]
SEEDS = [1, 2, 3]


def compare(profile: Profile) -> BaseComponent:
    """The pipeline, placed by `profile`."""
    default = defaults(profile)

    @dsl.pipeline(name="entp-compare", description="Methods x seeds on one curated pool, with intervals.")
    def pipeline(
        pool_name: str = "pool",
        pool_md5: str = "",
        methods: list = METHODS,
        seeds: list = SEEDS,
        seed: int = default["seed"],
        ingest: dict = default["ingest"],
        purge: dict = default["purge"],
        llm: dict = default["llm"],
        embed: dict = default["embed"],
        rate: dict = default["rate"],
        curate: dict = default["curate"],
        pair: dict = default["pair"],
        mix: dict = default["mix"],
        assemble: dict = default["assemble"],
        train: dict = default["train"],
        evaluate: dict = default["evaluate"],
    ):
        sections = {
            "seed": seed, "ingest": ingest, "purge": purge, "llm": llm, "embed": embed, "rate": rate,
            "curate": curate,
        }  # fmt: skip
        ended = place(finish(), "finish", profile).set_caching_options(False)
        with dsl.ExitHandler(ended, name="compare"):
            tasks = curated_pool(profile, pool_name, pool_md5, sections)
            # one loop over all cells: Kubeflow collects from a nested loop a list of lists, or locally nothing
            planned = place(grid(methods=methods, seeds=seeds), "grid", profile)
            with dsl.ParallelFor(planned.outputs["cells"], name="methods-by-seeds") as item:
                trial = cell(
                    **artifacts(tasks, ["purge", "curate"], digests=True),
                    cell=item,
                    llm=llm,
                    rate=rate,
                    pair=pair,
                    mix=mix,
                    assemble=assemble,
                    train=train,
                    evaluate=evaluate,
                )
                place(trial, "cell", profile)
            table = comparison(cells=dsl.Collected(trial.outputs["scores"]))
            place(table, "comparison", profile).set_caching_options(False)

    return pipeline
