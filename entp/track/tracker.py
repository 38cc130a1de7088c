"""What can be logged, and the tracker that logs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from entp.config import Config
from entp.store import Summary


class Tracker(Protocol):
    """What the shells log; `MlflowTracker` does it, `NullTracker` does nothing."""

    def log_config(self, config: Config) -> None: ...

    def log_summary(self, summary: Summary) -> None: ...

    def log_seconds(self, stage: str, seconds: float) -> None: ...

    def log_dataset(self, dataset: Path, name: str) -> None: ...

    def log_artifact(self, path: Path, folder: str | None = None) -> None: ...

    def log_traces(self, mix: Path) -> None: ...

    def child(self, name: str) -> AbstractContextManager[Tracker]:
        """A run nested in this one, by name; it ends as the body does."""
        ...

    def describe(self) -> Mapping[str, str]:
        """Where the run can be found, as label and value."""
        ...


class NullTracker:
    """Tracking switched off."""

    def log_config(self, config: Config) -> None:
        del config

    def log_summary(self, summary: Summary) -> None:
        del summary

    def log_seconds(self, stage: str, seconds: float) -> None:
        del stage, seconds

    def log_dataset(self, dataset: Path, name: str) -> None:
        del dataset, name

    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        del path, folder

    def log_traces(self, mix: Path) -> None:
        del mix

    @contextmanager
    def child(self, name: str) -> Iterator[Tracker]:
        del name
        yield self

    def describe(self) -> Mapping[str, str]:
        return {}
