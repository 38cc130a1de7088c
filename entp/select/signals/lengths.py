"""How long the responses are, in tokens of the model that is to be trained."""

from __future__ import annotations

import polars as pl

from entp.conversation import with_text
from entp.select.signals.pool import Computed, Pool
from entp.train.model import load_tokenizer


def compute(pool: Pool) -> Computed:
    """`response_tokens` of each sample."""
    responses = with_text(pool.samples)["response"].to_list()
    encoded = load_tokenizer(pool.config.train)(responses, add_special_tokens=False)["input_ids"]
    counts = pl.Series([float(len(tokens)) for tokens in encoded], dtype=pl.Float64)
    return Computed(pool.samples.select("id", response_tokens=counts))
