"""A pipeline's arguments: from its profile's defaults, dvc.lock, the parameter file, and `key=value` overrides."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from entp.config import Config
from entp.errors import UsageError
from entp.params import load
from entp.platform.package import Package

#: The pool that the image carries; any other is pulled from the DVC remote by its digest.
SAMPLE_POOL = "examples/pool"
#: How YAML text becomes the value of a pipeline parameter, and what it must then be.
VALUE_TYPES: Mapping[str, tuple[type, ...]] = {
    "NUMBER_INTEGER": (int,),
    "NUMBER_DOUBLE": (int, float),
    "BOOLEAN": (bool,),
    "LIST": (list,),
    "STRUCT": (dict,),
}


def split_overrides(pipeline: Package, overrides: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """Tell configuration (`mix.max_pairs=8`) from the pipeline's other parameters (`require_approval=yes`).

    Raises UsageError if a parameter's value has the wrong type.
    """
    others = {name: spec for name, spec in pipeline.parameters.items() if name not in Config.model_fields}
    given = {}
    settings = []
    for override in overrides:
        name, separator, text = override.partition("=")
        if separator and name in others:
            given[name] = _value(override, text, others[name]["parameterType"])
        else:
            settings.append(override)
    return settings, given


def of_data(dvc_lock: bytes) -> dict[str, str]:
    """The arguments that dvc.lock tells: the raw pool's name and DVC digest ("" for the sample pool), and its own text.

    Raises UsageError if it records no pool.
    """
    try:
        ingest = yaml.safe_load(dvc_lock)["stages"]["ingest"]
        path, md5 = next(
            (entry["path"], entry["md5"])
            for entry in ingest["deps"]
            if f"--input {entry['path']} " in f"{ingest['cmd']} "
        )
    except (yaml.YAMLError, KeyError, TypeError, StopIteration) as error:
        raise UsageError("dvc.lock records no input of the stage ingest: run `dvc repro` and commit it") from error
    return {
        "pool_name": Path(path).name,
        "pool_md5": "" if path == SAMPLE_POOL else md5,
        "dvc_lock": dvc_lock.decode(),
    }


def configuration(pipeline: Package, params: Path | None, overrides: Sequence[str]) -> Config:
    """The pipeline's own defaults (its profile's), over them what `params` changes, over both the overrides.

    A params.yaml names every parameter; only a value that is not the code's default counts as a change.
    Raises UsageError, as entp.params.load.
    """
    own = {name: spec["defaultValue"] for name, spec in pipeline.parameters.items() if "defaultValue" in spec}
    own = {name: value for name, value in own.items() if name in Config.model_fields}
    layers = [*_as_overrides(own), *_as_overrides(_changes(load(params))), *overrides]
    return load(None, layers)


def complete(pipeline: Package, settings: Config, given: Mapping[str, Any]) -> dict[str, Any]:
    """The pipeline's arguments: the sections of the configuration that it declares, and what is given beside them.

    Absent values are left out: KFP has no null. Raises UsageError if the pipeline asks for something that is missing.
    """
    sections = settings.model_dump(mode="json", exclude_none=True)
    values = {name: value for name, value in (sections | dict(given)).items() if name in pipeline.parameters}
    needed = [
        name
        for name, spec in pipeline.parameters.items()
        if name not in values and not spec.get("isOptional") and "defaultValue" not in spec
    ]
    if needed:
        raise UsageError(f"{pipeline.name} needs a value for {', '.join(needed)}: add {needed[0]}=...")
    return values


def _changes(settings: Config) -> dict[str, Any]:
    """What differs from the code's defaults, by section."""
    values, defaults = settings.model_dump(mode="json"), Config().model_dump(mode="json")
    changed: dict[str, Any] = {}
    for name, value in values.items():
        if not isinstance(value, dict):
            if value != defaults[name]:
                changed[name] = value
        elif fields := {field: entry for field, entry in value.items() if entry != defaults[name][field]}:
            changed[name] = fields
    return changed


def _as_overrides(content: Mapping[str, Any]) -> list[str]:
    """`{"mix": {"max_pairs": 8}}` as `mix.max_pairs=8`; JSON is YAML."""
    return [
        override
        for name, value in content.items()
        for override in (
            [f"{name}.{field}={json.dumps(entry)}" for field, entry in value.items()]
            if isinstance(value, dict)
            else [f"{name}={json.dumps(value)}"]
        )
    ]


def _value(override: str, text: str, kind: str) -> Any:
    if kind == "STRING":
        return text
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{override!r}: the value is not valid YAML: {error}") from error
    types = VALUE_TYPES.get(kind, (object,))
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise UsageError(f"{override!r}: the pipeline expects {kind}")
    return value
