"""Audit new samples: every check on each of them, and the measures of the set."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import pstdev
from typing import NamedTuple

from entp.audit.case import Case, Context
from entp.audit.checks import CHECKS
from entp.audit.measures import Tally, Vectors, measure
from entp.audit.near_duplicates import find_near_duplicates
from entp.audit.sample import Finding, Measure, NewSample, Opinion
from entp.config import AuditConfig
from entp.contamination.index import ContaminationIndex
from entp.progress import Advance


class Audit(NamedTuple):
    """A finding per sample and check, by pair id and in the checks' order; and the measures of all samples given."""

    findings: list[Finding]
    measures: list[Measure]


def audit(
    samples: Sequence[NewSample],
    benchmarks: ContaminationIndex,
    config: AuditConfig,
    ratings: Mapping[str, Opinion] | None = None,
    toxicity: Mapping[str, Opinion] | None = None,
    vectors: Vectors | None = None,
    advance: Advance | None = None,
) -> Audit:
    """Check each sample and measure the set; nothing is turned down here, and the order of samples changes nothing.

    `ratings` are those of the rater that did not accept the samples, `toxicity` a judge's probabilities
    (`entp.audit.judged_toxicity`), both by pair id; `vectors` the embeddings of the samples and of their parents. What
    is not given is not checked. Raises ValueError for a pair id that comes twice, or a sample without parents.
    """
    ordered = sorted(samples, key=lambda sample: sample.pair_id)
    _demand_sound(ordered)
    opinions = ratings or {}
    near_duplicates = find_near_duplicates(ordered, config.near_duplicate_jaccard) if ordered else {}
    margin = _margin(opinions) if len(ordered) >= config.min_samples else None
    context = Context(config, benchmarks, near_duplicates, opinions, margin)
    findings: list[Finding] = []
    tally = Tally()
    for sample in ordered:
        case = Case(sample, context)
        findings += [check.run(case) for check in CHECKS.values()]
        tally.count(case)
        if advance is not None:
            advance()
    return Audit(findings, measure(tally, config, opinions, toxicity or {}, vectors))


def _margin(ratings: Mapping[str, Opinion]) -> float:
    """The standard deviation of the difference between the numbers of two samples drawn from the parents."""
    values = sorted(value for opinion in ratings.values() for value in opinion.parents if value is not None)
    return math.sqrt(2) * pstdev(values) if values else 0.0


def _demand_sound(ordered: Sequence[NewSample]) -> None:
    for sample, following in pairwise(ordered):
        if sample.pair_id == following.pair_id:
            raise ValueError(f"pair {sample.pair_id} has two new samples")
    for sample in ordered:
        if not sample.parents:
            raise ValueError(f"the sample of pair {sample.pair_id} has no parents")
