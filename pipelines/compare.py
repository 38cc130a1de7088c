"""`entp-compare`: methods x seeds on one curated pool, each cell in a pod of its own, and one table."""

from kfp import dsl
from kfp.dsl import Dataset, Input
from kfp.dsl.base_component import BaseComponent

from components.cell import cell
from components.comparison import comparison
from components.finish import finish
from components.grid import grid
from entp.platform.profiles import Profile
from pipelines.data_steps import artifacts, curated_pool
from pipelines.parameters import defaults
from pipelines.placement import place

#: A method is a name and the settings that make it: what differs from the pipeline's parameters. With a `selector`, one
#: of `entp compare`'s methods, it trains on the rows which that takes, instead of the loop's own training set.
METHODS = [
    {"name": "entp", "settings": []},
    {"name": "no_symbolic_loss", "settings": ["mix.symbolic_loss=false"]},
    {"name": "random_pairs", "settings": ["pair.strategy=random"]},
    {"name": "one_to_one", "settings": ["mix.method=one_to_one"]},
    {"name": "fusions_only", "settings": ["assemble.hq_share=0", "assemble.fill_rows=0"]},
]
SEEDS = [1, 2, 3]


def compare(profile: Profile) -> BaseComponent:
    """The pipeline, placed by `profile`."""
    default, cells = defaults(profile), _cells(profile)

    @dsl.pipeline(name="entp-compare", description="Methods x seeds on one curated pool, with intervals.")
    def pipeline(
        pool_name: str = "pool",
        pool_md5: str = "",
        methods: list = METHODS,
        seeds: list = SEEDS,
        rows: int = 200,
        held_out: int = 100,
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
    ):
        sections = {
            "seed": seed, "ingest": ingest, "purge": purge, "llm": llm, "embed": embed, "rate": rate,
            "curate": curate,
        }  # fmt: skip
        ended = place(finish(), "finish", profile).set_caching_options(False)
        with dsl.ExitHandler(ended, name="compare"):
            tasks = curated_pool(profile, pool_name, pool_md5, sections)
            planning = grid(methods=methods, seeds=seeds, rows=rows, held_out=held_out)
            planned = place(planning, "grid", profile).set_caching_options(False)
            cells(
                **artifacts(tasks, ["purge", "curate"], digests=True),
                cells=planned.outputs["cells"],
                llm=llm,
                rate=rate,
                embed=embed,
                pair=pair,
                mix=mix,
                loss=loss,
                audit=audit,
                assemble=assemble,
                train=train,
                evaluate=evaluate,
            )

    return pipeline


def _cells(profile: Profile) -> BaseComponent:
    """A pod for each of the cells, and the table of all. One loop: what nested loops yield cannot be collected."""

    @dsl.pipeline(name="cells")
    def pipeline(
        purged: Input[Dataset],
        purged_digest: str,
        curated: Input[Dataset],
        curated_digest: str,
        cells: list,
        llm: dict,
        rate: dict,
        embed: dict,
        pair: dict,
        mix: dict,
        loss: dict,
        audit: dict,
        assemble: dict,
        train: dict,
        evaluate: dict,
    ):
        with dsl.ParallelFor(cells, name="methods-by-seeds") as item:
            trial = cell(
                purged=purged,
                purged_digest=purged_digest,
                curated=curated,
                curated_digest=curated_digest,
                cell=item,
                llm=llm,
                rate=rate,
                embed=embed,
                pair=pair,
                mix=mix,
                loss=loss,
                audit=audit,
                assemble=assemble,
                train=train,
                evaluate=evaluate,
            )
            place(trial, "cell", profile)
        table = comparison(cells=dsl.Collected(trial.outputs["scores"]))
        place(table, "comparison", profile).set_caching_options(False)

    return pipeline
