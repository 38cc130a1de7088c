"""A value with its interval, and how intervals are drawn: one form for all bootstraps."""

from __future__ import annotations

from typing import NamedTuple

CONFIDENCE = 0.95
RESAMPLES = 4000
SEED = 0
#: The percentiles that hold CONFIDENCE between them.
QUANTILES = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)


class Estimate(NamedTuple):
    """A value and its 95 % percentile interval; NaN where there is nothing to tell it from."""

    value: float
    low: float
    high: float
