"""`entp-data-only`: raw pool to training set, with its report; no model is trained."""

from collections.abc import Mapping
from typing import Any

from kfp import dsl
from kfp.dsl.base_component import BaseComponent

from components.run import finish
from entp.platform.profiles import Profile
from entp.stages import DATA_STAGES
from pipelines.data_steps import data_steps, report_on_data
from pipelines.parameters import POOL, POOL_DEFAULTS, pipeline, section_defaults, section_types
from pipelines.placement import place


def data_only(profile: Profile) -> BaseComponent:
    """The pipeline, placed by `profile`."""

    def steps(given: Mapping[str, Any]) -> None:
        ended = place(finish(), "finish", profile).set_caching_options(False)
        with dsl.ExitHandler(ended, name="data"):
            tasks = data_steps(profile, given)
            report_on_data(profile, tasks, given, ends_pipeline="yes")

    return pipeline(
        "entp-data-only",
        {**POOL, **section_types(DATA_STAGES)},
        {**POOL_DEFAULTS, **section_defaults(profile, DATA_STAGES)},
        steps,
        "Purge, rate, curate, pair and mix a pool into a training set.",
    )
