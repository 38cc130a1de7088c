"""Totals over all pairs from a few that were worked on: numbers in, ranges out.

Every pair has a `size` that is known before any work (tokens of text that its prompts show). What a pair takes is
taken to be a straight line in its size plus what only the work itself tells: the regression estimator of a total, with
the prediction interval of ordinary least squares (Cochran, Sampling Techniques, ch. 7). The pilot's own pairs are no
estimate: their share of a total is what they took. So a pilot of all pairs is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import betabinom
from scipy.stats import t as student

from entp.plan.record import Range

Numbers = NDArray[np.float64]
CONFIDENCE = 0.9
#: Half the weight of one success and one failure each, in favour of neither (Jeffreys).
PRIOR = 0.5
#: A line and the scatter about it need this many pairs.
FEWEST = 3


@dataclass(frozen=True)
class Sample:
    """The pilot among all pairs: every pair's size, in the order of the run, and the places of those worked on."""

    sizes: Numbers
    places: NDArray[np.int64]

    def rest(self, count: int) -> NDArray[np.int64]:
        """Places among the first `count` pairs that the pilot has not seen."""
        return np.setdiff1d(np.arange(count), self.places)


def total(sample: Sample, took: Numbers, count: int) -> Range:
    """What the first `count` pairs take, where the pilot's pairs `took` this.

    The low end is never under what the pilot has taken already.
    """
    seen, rest = took[sample.places < count], sample.rest(count)
    expected = float(each(sample, took)[:count].sum())
    half = _half_width(sample, took, rest) if len(rest) else 0.0
    return Range(expected=expected, low=max(float(seen.sum()), expected - half), high=expected + half)


def each(sample: Sample, took: Numbers) -> Numbers:
    """What every pair takes: the pilot's as they did, the others by the line."""
    slope = _slope(sample.sizes[sample.places], took)
    line = took.mean() + slope * (sample.sizes - sample.sizes[sample.places].mean())
    line[sample.places] = took
    return line


def successes(sample: Sample, succeeded: Sequence[bool], count: int) -> Range:
    """How many of the first `count` pairs succeed. A pilot without a success does not mean that there is none."""
    known = sum(success for place, success in zip(sample.places, succeeded, strict=True) if place < count)
    wins, pilot, rest = sum(succeeded), len(succeeded), len(sample.rest(count))
    further = betabinom(rest, wins + PRIOR, pilot - wins + PRIOR)
    low, high = further.ppf((1 - CONFIDENCE) / 2), further.ppf((1 + CONFIDENCE) / 2)
    return Range(expected=known + rest * wins / pilot, low=float(known + low), high=float(known + high))


def pairs_until(limit: float, each: Numbers, in_flight: int) -> int | None:
    """After how many pairs a limit stops the run, None where it does not (see `entp.llm.batching.run_jobs`).

    Pairs under way when the limit is reached are worked on to their end.
    """
    reached = int(np.searchsorted(np.cumsum(each), limit)) + 1
    worked = reached + in_flight - 1
    return worked if worked < len(each) else None


def _half_width(sample: Sample, took: Numbers, rest: NDArray[np.int64]) -> float:
    """Half of the prediction interval of the sum over `rest`: the line's own error, and the scatter about it."""
    sizes, pilot = sample.sizes[sample.places], len(took)
    spread = ((sizes - sizes.mean()) ** 2).sum()
    scatter = took - took.mean() - _slope(sizes, took) * (sizes - sizes.mean())
    freedom = pilot - 2
    lever = (sample.sizes[rest].mean() - sizes.mean()) ** 2 / spread if spread else 0.0
    variance = (scatter**2).sum() / freedom * (len(rest) + len(rest) ** 2 * (1 / pilot + lever))
    return float(student.ppf((1 + CONFIDENCE) / 2, freedom) * np.sqrt(variance))


def _slope(sizes: Numbers, took: Numbers) -> float:
    """Of the line by least squares; level where all sizes are the same."""
    deviations = sizes - sizes.mean()
    spread = (deviations**2).sum()
    return float((deviations * took).sum() / spread) if spread else 0.0
