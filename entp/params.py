"""`params.yaml` as text: every configuration key with its value and what it means."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import yaml

from entp.config import Config, Section

HEADER = """\
# Every parameter of the pipeline. `entp run`, the stage commands and DVC read this file from the working directory;
# `key=value` arguments override it. `entp params` prints the defaults in this form.
"""


def as_yaml(config: Config) -> str:
    """The whole configuration as commented YAML that `entp.config.load` reads back to an equal Config."""
    return HEADER + "\n" + "\n".join(_lines(config, indent=0)) + "\n"


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
