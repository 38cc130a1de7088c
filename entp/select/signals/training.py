"""What the signals that train have in common: samples as examples, an order by chance, a model with fresh adapters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from entp.errors import DataError
from entp.records import chances
from entp.select.signals.pool import Pool
from entp.train.chat_template import marked_template
from entp.train.examples import Encoded, Example, encode
from entp.train.model import load_model, load_tokenizer, with_adapters


def encoded(pool: Pool, samples: pl.DataFrame) -> Encoded:
    """Samples as training would read them. Raises DataError where none has an answer within `train.max_length`."""
    config = pool.config.train
    tokenizer = load_tokenizer(config)
    found = encode(tokenizer, marked_template(tokenizer, config.model), samples, config.max_length)
    if found.examples:
        return found
    sources = ", ".join(samples["source"].unique().sort())
    raise DataError(
        f"select: none of {samples.height} samples ({sources}) has an answer within "
        f"train.max_length={config.max_length} tokens; raise it, or shorten the prompts"
    )


def adapted(pool: Pool) -> Any:
    """The model that is to be trained, with adapters that change nothing yet."""
    return with_adapters(load_model(pool.config.train), pool.config.train, pool.config.seed)


def by_chance(own: Encoded, pool: Pool) -> list[Example]:
    """The pool's examples in an order that hangs on their ids and the seed, not on that of the rows."""
    lots = chances(pool.samples["id"].gather(list(own.places)), pool.config.seed)
    return [own.examples[place] for place in np.argsort(lots.to_numpy())]


def placed(values: Sequence[float] | np.ndarray, own: Encoded, pool: Pool) -> pl.Series:
    """A value per example as one per sample; null for a sample that is no example, and where the value is NaN."""
    column = np.full(pool.samples.height, np.nan)
    column[list(own.places)] = values
    return pl.Series(column, dtype=pl.Float64).fill_nan(None)
