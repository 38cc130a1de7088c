"""The new set against the parents it was made from, number by number.

All accepted samples count, also those that a check turns down: a method that repeats itself shows here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import NamedTuple

import numpy as np

from entp.audit.case import Case
from entp.audit.diversity import distinct_ngrams, mean_distance
from entp.audit.features import Features
from entp.audit.sample import Measure, Opinion
from entp.config import AuditConfig

DECIMALS = 6
#: Standard errors of the mean difference beyond which a rater's or a judge's verdict on the set is more than noise.
NOISE = 1.96


class Vectors(NamedTuple):
    """Unit-length embeddings, one row per new sample and one per parent, in any order."""

    new: np.ndarray
    parents: np.ndarray


@dataclass
class Count:
    """What is kept of the samples that were read: texts, and how many have a toxic word or a personal datum."""

    texts: list[str] = field(default_factory=list)
    words: int = 0
    toxic: int = 0
    personal: int = 0

    def add(self, features: Features) -> None:
        self.texts.append(f"{features.prompt}\n{features.response}")
        self.words += len(features.prompt_words) + len(features.response_words)
        self.toxic += bool(features.toxic_words)
        self.personal += bool(features.personal_data)


@dataclass
class Tally:
    """The new samples and their parents, counted one by one."""

    new: Count = field(default_factory=Count)
    parents: Count = field(default_factory=Count)

    def count(self, case: Case) -> None:
        self.new.add(case.new)
        for parent in case.parents:
            self.parents.add(parent)


def measure(
    tally: Tally,
    config: AuditConfig,
    ratings: Mapping[str, Opinion],
    toxicity: Mapping[str, Opinion],
    vectors: Vectors | None,
) -> list[Measure]:
    """Every measure that there is something to measure for. Fewer than `audit.min_samples` samples fail none."""
    new, parents = tally.new, tally.parents
    if not new.texts:
        return []
    enough = len(new.texts) >= config.min_samples
    found = _distinct(new, parents, config)
    if vectors is not None:
        spread = mean_distance(vectors.new), mean_distance(vectors.parents)
        found.append(_at_least("embedding_spread", spread, config.min_spread_ratio))
    found.append(_plain("words_mean", new.words / len(new.texts), parents.words / len(parents.texts)))
    found.append(_plain("toxic_ratio", new.toxic / len(new.texts), parents.toxic / len(parents.texts)))
    found.append(_plain("pii_ratio", new.personal / len(new.texts), parents.personal / len(parents.texts)))
    found += _opinions("re_rating_mean", ratings, "not below the parents' beyond the noise", lambda gain: gain)
    found += _opinions("judged_toxicity_mean", toxicity, "not above the parents' beyond the noise", lambda gain: -gain)
    return found if enough else [one._replace(passed=True) for one in found]


def _distinct(new: Count, parents: Count, config: AuditConfig) -> list[Measure]:
    one, two, three = distinct_ngrams(new.texts, parents.texts, (1, 2, 3))
    return [
        _plain("distinct_1", *one),
        _at_least("distinct_2", two, config.min_distinct_ratio),
        _plain("distinct_3", *three),
    ]


def _opinions(
    name: str, opinions: Mapping[str, Opinion], demand: str, better: Callable[[float], float]
) -> Iterator[Measure]:
    """The mean of one rater's numbers for new samples and for their parents, where all of a pair have one.

    `better` turns the difference of a pair into a gain. The mean gain may be below 0 by no more than its noise.
    """
    complete = [opinions[pair_id].numbers for pair_id in sorted(opinions)]
    pairs = [(numbers[0], fmean(numbers[1])) for numbers in complete if numbers]
    if not pairs:
        return
    gains = [better(new - old) for new, old in pairs]
    noise = NOISE * stdev(gains) / math.sqrt(len(gains)) if len(gains) > 1 else math.inf
    means = fmean(new for new, _ in pairs), fmean(old for _, old in pairs)
    yield _plain(name, *means)._replace(demand=demand, passed=fmean(gains) >= -noise)


def _at_least(name: str, pair: tuple[float, float], ratio: float) -> Measure:
    demand = f"at least {ratio:g} of the parents'"
    return _plain(name, *pair)._replace(demand=demand, passed=pair[0] >= ratio * pair[1])


def _plain(name: str, value: float, reference: float) -> Measure:
    return Measure(name, round(value, DECIMALS), round(reference, DECIMALS))
