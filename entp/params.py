"""`params.yaml` and `section.field=value`: how a configuration is read, changed and written.

An unknown key is an error that suggests the nearest one.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from entp.config import Config, Section
from entp.errors import UsageError, nearest

HEADER = """\
# Every parameter of the pipeline. `entp run`, the stage commands and DVC read this file from the working directory;
# `key=value` arguments override it. `entp params` prints the defaults in this form.
"""


def load(path: Path | None = None, overrides: Iterable[str] = ()) -> Config:
    """Defaults, then the file, then `section.field=value` overrides (values are YAML).

    Raises UsageError naming the file or override, the field, and the nearest valid name.
    """
    content = _read_yaml(path) if path is not None else {}
    return _validated(content, overrides, str(path) if path else "configuration")


def changed(config: Config, overrides: Iterable[str]) -> Config:
    """The configuration with further `section.field=value` overrides. Raises UsageError as `load` does."""
    return _validated(config.model_dump(), overrides, "configuration")


def as_yaml(config: Config) -> str:
    """The whole configuration as commented YAML that `load` reads back to an equal Config."""
    return HEADER + "\n" + "\n".join(_lines(config, indent=0)) + "\n"


def _validated(content: dict[str, Any], overrides: Iterable[str], origin: str) -> Config:
    for override in overrides:
        _apply(content, override)
    try:
        return Config.model_validate(content)
    except ValidationError as error:
        raise UsageError("\n".join(f"{origin}: {_explain(problem)}" for problem in error.errors())) from error


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such configuration file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(content or {}, dict):
        raise UsageError(f"{path}: expected sections such as `purge:`, found {type(content).__name__}")
    return content or {}


def _apply(content: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    if not separator or not key:
        raise UsageError(f"{override!r}: overrides are written section.field=value, for example llm.batch_size=8")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{override!r}: the value is not valid YAML: {error}") from error
    *parents, leaf = key.split(".")
    target = content
    for parent in parents:
        target = target.setdefault(parent, {})
        if not isinstance(target, dict):
            raise UsageError(f"{override!r}: {parent!r} is not a section")
    target[leaf] = value


def _explain(problem: Any) -> str:
    """One line for one pydantic problem, with the nearest name where a name is unknown."""
    location = [str(part) for part in problem["loc"]]
    field = ".".join(location)
    if problem["type"] != "extra_forbidden":
        return f"{field}: {problem['msg'].lower()} (found {problem['input']!r})"
    known = _fields_at(location[:-1])
    meant = nearest(location[-1], known)
    prefix = "".join(f"{part}." for part in location[:-1])
    hint = f"did you mean `{prefix}{meant}`?" if meant else f"known names: {', '.join(known)}"
    return f"unknown key `{field}`; {hint}"


def _fields_at(location: list[str]) -> list[str]:
    model: type[BaseModel] = Config
    for part in location:
        model = type(model.model_fields[part].default)
    return list(model.model_fields)


def _lines(section: Section, indent: int) -> Iterator[str]:
    prefix = " " * indent
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            yield ""
            yield f"{prefix}{name}:"
            yield from _lines(value, indent + 2)
            continue
        comment = textwrap.wrap(field.description or "", 110 - indent)
        yield from (f"{prefix}# {line}" for line in comment)
        yield f"{prefix}{name}: {_scalar(value)}"


def _scalar(value: object) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")
