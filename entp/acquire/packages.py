"""The packages of the extra `acquire`, imported when a format needs them."""

from __future__ import annotations

import importlib
from typing import Any

from entp.errors import SetupError


def package(name: str) -> Any:
    """The module of that name. Raises SetupError naming the extra where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise SetupError(f'`entp acquire` needs {name} ({error}): pip install "entp[acquire]"') from error
