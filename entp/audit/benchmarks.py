"""Which evaluation items must not leak: those of the built-in tasks, and of the files that `audit.benchmarks` names."""

from __future__ import annotations

from pathlib import Path

from entp.config import AuditConfig
from entp.contamination.index import ContaminationIndex, build_index
from entp.contamination.items import built_in_items, read_items
from entp.errors import UsageError


def load_benchmarks(config: AuditConfig) -> ContaminationIndex:
    """The index of all items. Raises UsageError for a path that is not there, DataError for a broken file."""
    try:
        named = read_items(Path(name).expanduser() for name in config.benchmarks)
    except UsageError as error:
        raise UsageError(f"audit.benchmarks: {error}") from error
    return build_index([*built_in_items(), *named], config.contamination_words)
