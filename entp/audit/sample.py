"""What the audit is given and what it finds: plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from entp.conversation import Message


@dataclass(frozen=True)
class NewSample:
    """An accepted sample, the samples it was made from, and the `languages` that ingest found in those."""

    pair_id: str
    messages: list[Message]
    parents: Sequence[list[Message]]
    languages: frozenset[str] = frozenset()


class Opinion(NamedTuple):
    """One rater's numbers for a new sample and for its parents, None where it gave none.

    Numbers of one rater are compared with each other and with nothing else.
    """

    new: float | None
    parents: Sequence[float | None]

    @property
    def numbers(self) -> tuple[float, list[float]] | None:
        """The new sample's number and the parents'; None unless all are there."""
        known = [value for value in self.parents if value is not None]
        if self.new is None or not known or len(known) < len(self.parents):
            return None
        return self.new, known


class Finding(NamedTuple):
    """What a check says of a sample. `value` is what it measured, None where there was nothing to measure.

    `detail` is half a sentence that says what was found, and never holds a personal datum.
    """

    pair_id: str
    check: str
    value: float | None
    passed: bool
    detail: str = ""


class Measure(NamedTuple):
    """One number of the new set, and the same of its parents'. `demand` says what must hold, "" where nothing must."""

    measure: str
    value: float
    reference: float
    demand: str = ""
    passed: bool = True
