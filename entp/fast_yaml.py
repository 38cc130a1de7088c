"""YAML of thousands of lines, such as compiled pipelines: parsed and written by libyaml, six times as fast.

PyYAML falls back to its own code where it was built without the library.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def load_all(text: str) -> list[Any]:
    """The documents of a text. Raises yaml.YAMLError."""
    return list(yaml.load_all(text, Loader=_LOADER))


def dump_all(documents: Iterable[Any]) -> str:
    """The documents with sorted keys: equal ones give equal text."""
    return str(yaml.dump_all(documents, Dumper=_DUMPER, sort_keys=True, allow_unicode=True, width=120))
