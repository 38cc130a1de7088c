"""What signals are computed from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from entp.config import Config
from entp.errors import UsageError


class Computed(NamedTuple):
    """A frame of `id` and signals, and the tokens that a model read or wrote for them."""

    frame: pl.DataFrame
    tokens: int = 0


@dataclass(frozen=True)
class Pool:
    """The samples that may be chosen (SAMPLES), their SCORES and unit-length embeddings `vectors` [n, d], in one order.

    `target` are SAMPLES that stand for what the model is wanted for; empty where none were named. `cache` is the folder
    of the LLM request cache.
    """

    samples: pl.DataFrame
    scores: pl.DataFrame
    vectors: np.ndarray
    target: pl.DataFrame
    config: Config
    cache: Path


def wanted(pool: Pool) -> pl.DataFrame:
    """The target set. Raises UsageError where there is none."""
    if pool.target.is_empty():
        raise UsageError("this method chooses by a target set: name files of rows like those wanted with --target")
    return pool.target
