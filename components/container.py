"""What all components have in common: the image a profile replaces, and how a component is made from data."""

from collections.abc import Callable, Iterable, Mapping
from inspect import Parameter, Signature
from typing import Any

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model, Output
from kfp.dsl.base_component import BaseComponent

from entp.config import Config, Section
from entp.stages import Stage

#: Every component names this image; a profile chooses the image of each step (pipelines/profiles.yaml).
DEFAULT_IMAGE = "registry.example.com/entp/cpu:0.1.0"

#: Kubeflow replaces this by a JSON text with the paths of all inputs and outputs.
EXECUTOR_INPUT = "{{$}}"

ARTIFACTS: Mapping[str, type[Artifact]] = {"dataset": Dataset, "model": Model}
#: Inputs and outputs by name: their types, as KFP writes them in a function's signature.
Types = Mapping[str, Any]


def component(
    name: str,
    description: str,
    types: Types,
    arguments: Callable[[Mapping[str, Any]], list[Any]],
    command: str | None = None,
) -> BaseComponent:
    """The component that runs `entp step <command>` (by default, `name`) with `arguments`, given placeholders by name.

    KFP reads inputs and outputs off a function's signature, so it gets a function with one.
    """

    def build(*placeholders: Any) -> dsl.ContainerSpec:
        return dsl.ContainerSpec(
            image=DEFAULT_IMAGE,
            command=["entp", "step", command or name],
            args=arguments(dict(zip(types, placeholders, strict=True))),
        )

    signed(build, name, description, [Parameter(key, POSITIONAL, annotation=kind) for key, kind in types.items()])
    return dsl.container_component(build)


POSITIONAL = Parameter.POSITIONAL_OR_KEYWORD


def signed(function: Callable[..., Any], name: str, description: str, parameters: Iterable[Parameter]) -> None:
    """Give `function` what KFP asks a function for: its name, its docstring and its signature."""
    function.__name__ = name
    function.__doc__ = description
    function.__signature__ = Signature(list(parameters))  # type: ignore[attr-defined]


def datasets(stages: Iterable[Stage], digests: bool) -> dict[str, Any]:
    """Inputs: what the stages made, each with its content digest where asked (a cache key holds no content)."""
    types: dict[str, Any] = {}
    for stage in stages:
        types[stage.makes] = Input[ARTIFACTS[stage.kind]]
        if digests:
            types[f"{stage.makes}_digest"] = str
    return types


def made(stage: Stage) -> dict[str, Any]:
    """Output: what the stage makes."""
    return {stage.makes: Output[ARTIFACTS[stage.kind]]}


def sections(names: Iterable[str]) -> dict[str, Any]:
    """Inputs: sections of the configuration, each one JSON object, or a plain value such as the seed."""
    return {name: dict if isinstance(getattr(Config(), name), Section) else int for name in names}


def dataset_arguments(stages: Iterable[Stage], given: Mapping[str, Any], digests: bool) -> list[Any]:
    """`--parent` and `--expect` for what `datasets` declares."""
    arguments: list[Any] = []
    for stage in stages:
        arguments += ["--parent", f"{stage.name}={given[stage.makes].path}"]
        if digests:
            arguments += ["--expect", f"{stage.name}={given[f'{stage.makes}_digest']}"]
    return arguments


def section_arguments(names: Iterable[str], given: Mapping[str, Any]) -> list[str]:
    """`section={...}` for what `sections` declares."""
    return [f"{name}={given[name]}" for name in names]
