"""A pool for signals: samples, scores and embeddings in one order, with a tiny model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from entp.params import load
from entp.records import SAMPLES, SCORES
from entp.select.signals import Pool
from tests.conftest import quick_vectors
from tests.datasets import sample


def samples_of(*texts: tuple[str, str], source: str = "forum") -> pl.DataFrame:
    return pl.DataFrame([sample(prompt, response, source) for prompt, response in texts], schema=SAMPLES)


def numbered(count: int) -> pl.DataFrame:
    return samples_of(*((f"What is {n} and {n % 7}?", f"It is {n + n % 7}, " + "yes " * (n % 5)) for n in range(count)))


def pool_of(
    samples: pl.DataFrame, folder: Path, target: pl.DataFrame | None = None, settings: tuple[str, ...] = ()
) -> Pool:
    vectors = quick_vectors(samples["id"].to_list())
    rows: list[dict[str, Any]] = [
        {"id": name, "score_raw": place % 6, "score_curated": place % 6, "confidence": 0.5, "tier": "HQ"}
        for place, name in enumerate(samples["id"])
    ]
    scores = pl.DataFrame(rows, schema=SCORES)
    empty = SAMPLES.to_frame()
    config = load(overrides=list(settings))
    return Pool(samples, scores, np.asarray(vectors), empty if target is None else target, config, folder)
