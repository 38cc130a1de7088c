"""Scoring functions that the built-in task files name (`process_results: !function entp.evaluate.scoring...`)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any


def byte_probability(document: Mapping[str, Any], results: Sequence[tuple[float, bool]]) -> dict[str, float]:
    """Geometric mean probability of a byte of the document's `reply`: exp(log-probability / bytes), 0 to 1.

    Bytes, not tokens, so that models with different tokenizers can be compared (our choice).
    """
    logprob, _ = results[0]
    return {"byte_probability": math.exp(logprob / len(document["reply"].encode("utf-8")))}
