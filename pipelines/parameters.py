"""The pipelines' parameters: one per section of the configuration, with a profile's defaults.

A section is one JSON object, as in params.yaml; what it leaves out has the code's default, and an unknown key is an
error that names the near one.
"""

from typing import Any

from entp import params
from entp.platform.profiles import Profile

#: Sections that are parameters; where the run is tracked is the cluster's affair.
DATA_SECTIONS = (
    "seed", "ingest", "purge", "llm", "embed", "rate", "curate", "pair", "mix", "loss", "audit", "assemble",
)  # fmt: skip
MODEL_SECTIONS = ("train", "evaluate", "gate")


def defaults(profile: Profile) -> dict[str, Any]:
    """Every parameter's default. Absent values are left out: a pipeline parameter can hold no null."""
    content = params.load(None, profile.settings).model_dump(mode="json", exclude_none=True)
    return {name: content[name] for name in (*DATA_SECTIONS, *MODEL_SECTIONS)}
