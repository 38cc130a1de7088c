"""The pipelines' parameters: one per section of the configuration, with a profile's defaults; pipelines made of them.

A section is one JSON object, as in params.yaml; what it leaves out has the code's default, and an unknown key is an
error that names the near one.
"""

from collections.abc import Callable, Iterable, Mapping
from inspect import Parameter
from typing import Any

from kfp import dsl
from kfp.dsl.base_component import BaseComponent

from components.container import POSITIONAL, Types, sections, signed
from entp import params
from entp.platform.profiles import Profile
from entp.stages import Stage, sections_of

#: The raw pool, by its name and its DVC digest; the sample pool of the image where there is none.
POOL: Types = {"pool_name": str, "pool_md5": str}
POOL_DEFAULTS = {"pool_name": "pool", "pool_md5": ""}

Body = Callable[[Mapping[str, Any]], None]


def pipeline(name: str, types: Types, defaults: Mapping[str, Any], body: Body, description: str = "") -> BaseComponent:
    """A pipeline with these inputs, whose `body` adds the tasks, given the inputs by name."""

    def build(*values: Any) -> None:
        body(dict(zip(types, values, strict=True)))

    parameters = [
        Parameter(key, POSITIONAL, annotation=kind, default=defaults.get(key, Parameter.empty))
        for key, kind in types.items()
    ]
    signed(build, name, description, parameters)
    return dsl.pipeline(name=name, description=description or None)(build)


def section_types(stages: Iterable[Stage]) -> Types:
    """The sections that these stages read, as inputs."""
    return sections(sections_of(stages))


def section_defaults(profile: Profile, stages: Iterable[Stage]) -> dict[str, Any]:
    """Their defaults. Absent values are left out: a pipeline parameter can hold no null."""
    content = params.load(None, profile.settings).model_dump(mode="json", exclude_none=True)
    return {name: content[name] for name in sections_of(stages)}


def given_sections(given: Mapping[str, Any], stages: Iterable[Stage]) -> dict[str, Any]:
    """Of a pipeline's inputs, the sections that these stages read."""
    return {name: given[name] for name in sections_of(stages)}
