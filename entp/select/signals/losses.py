"""What a model makes of each response: its loss after the prompt, and how much the prompt helps."""

from __future__ import annotations

import polars as pl

from entp.config import LLMConfig
from entp.llm.session import open_session
from entp.progress import progress
from entp.rate.raters import RawRating, rate_raw
from entp.select.signals.pool import Computed, Pool


def compute(pool: Pool) -> Computed:
    """`nll` (mean nats per token of the response after its prompt) and `ifd`, by the configured model."""
    nll, ifd = _values(pool, "nll", pool.config.llm), _values(pool, "ifd", pool.config.llm)
    # The rater `ifd` asks what `nll` asks, and the response alone besides.
    return Computed(pool.samples.select("id", nll=-nll.frame["value"], ifd=_ratio(ifd.frame["value"])), ifd.tokens)


def compute_small(pool: Pool) -> Computed:
    """`ifd_small`: IFD by the embedded model, whatever the configured one is."""
    small = pool.config.llm.model_copy(update={"model": "embedded", "revision": None, "backend": "transformers"})
    found = _values(pool, "ifd", small)
    return Computed(pool.samples.select("id", ifd_small=_ratio(found.frame["value"])), found.tokens)


def _values(pool: Pool, rater: str, llm: LLMConfig) -> Computed:
    """A rater's raw `value` of each sample; null for one that could not be rated."""
    conversations = pool.samples["messages"].to_list()
    with (
        open_session(llm, pool.cache, purpose="select") as session,
        progress(f"select: {rater}", len(conversations)) as advance,
    ):
        ratings = session.run(rate_raw(rater, session, conversations, pool.config.rate, advance))
        tokens = session.usage.tokens_in + session.usage.tokens_out
    values = pl.Series([_value(rating) for rating in ratings], dtype=pl.Float64)
    return Computed(pool.samples.select("id", value=values), tokens)


def _value(rating: RawRating) -> float | None:
    return rating.value if rating.status == "rated" else None


def _ratio(values: pl.Series) -> pl.Series:
    """The ratio itself: the rater `ifd` turns those of 1 and above round, to 1 - ratio."""
    return pl.select(pl.when(values > 0).then(values).otherwise(1 - values)).to_series()
