"""What a check looks at: one new sample with its parents, and what is known besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from entp.audit.features import Features
from entp.audit.sample import Finding, NewSample, Opinion
from entp.config import AuditConfig
from entp.contamination.index import ContaminationIndex


@dataclass(frozen=True)
class Context:
    """What all samples are checked against.

    `near_duplicates` names, for a sample that is much like an earlier one, that one and their similarity. `margin` is
    how far a second rater's number may lie below the worse parent's, None where there are too few to tell.
    """

    config: AuditConfig
    benchmarks: ContaminationIndex
    near_duplicates: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    ratings: Mapping[str, Opinion] = field(default_factory=dict)
    margin: float | None = None


class Case:
    """A new sample and its parents, ready to be read."""

    def __init__(self, sample: NewSample, context: Context) -> None:
        self.pair_id = sample.pair_id
        self.languages = sample.languages
        self.new = Features(sample.messages)
        self.parents = [Features(messages) for messages in sample.parents]
        self.context = context

    def finding(self, check: str, value: float | None, passed: bool, detail: str = "") -> Finding:
        return Finding(self.pair_id, check, None if value is None else float(value), passed, detail)
