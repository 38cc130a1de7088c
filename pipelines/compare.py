"""`entp-compare`: methods x seeds on one curated pool, each cell in a pod of its own, and one table."""

from collections.abc import Mapping
from typing import Any

from kfp import dsl
from kfp.dsl.base_component import BaseComponent

from components.comparing import CELL_SECTIONS, CURATED_POOL, cell, comparison, grid
from components.container import datasets, sections
from components.run import finish
from entp.platform.profiles import Profile
from entp.stages import between
from pipelines.data_steps import artifacts, data_steps
from pipelines.parameters import POOL, POOL_DEFAULTS, pipeline, section_defaults, section_types
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


#: What is done once for all cells; they do the rest up to `evaluate`.
ONCE = between("ingest", "curate")
ALL = between("ingest", "evaluate")


def compare(profile: Profile) -> BaseComponent:
    """The pipeline, placed by `profile`."""
    cells = _cells(profile)

    def steps(given: Mapping[str, Any]) -> None:
        ended = place(finish(), "finish", profile).set_caching_options(False)
        with dsl.ExitHandler(ended, name="compare"):
            tasks = data_steps(profile, given, ONCE)
            planning = grid(**{name: given[name] for name in ("methods", "seeds", "rows", "held_out")})
            planned = place(planning, "grid", profile).set_caching_options(False)
            cells(
                **artifacts(tasks, CURATED_POOL, digests=True),
                cells=planned.outputs["cells"],
                **{name: given[name] for name in CELL_SECTIONS},
            )

    return pipeline(
        "entp-compare",
        {**POOL, "methods": list, "seeds": list, "rows": int, "held_out": int, **section_types(ALL)},
        {
            **POOL_DEFAULTS,
            "methods": METHODS,
            "seeds": SEEDS,
            "rows": 200,
            "held_out": 100,
            **section_defaults(profile, ALL),
        },
        steps,
        "Methods x seeds on one curated pool, with intervals.",
    )


def _cells(profile: Profile) -> BaseComponent:
    """A pod for each of the cells, and the table of all. One loop: what nested loops yield cannot be collected."""

    def steps(given: Mapping[str, Any]) -> None:
        with dsl.ParallelFor(given["cells"], name="methods-by-seeds") as item:
            trial = cell(**{name: value for name, value in given.items() if name != "cells"}, cell=item)
            place(trial, "cell", profile)
        table = comparison(results=dsl.Collected(trial.outputs["results"]))
        place(table, "comparison", profile).set_caching_options(False)

    return pipeline(
        "cells", {**datasets(CURATED_POOL, digests=True), "cells": list, **sections(CELL_SECTIONS)}, {}, steps
    )
