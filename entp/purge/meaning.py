"""Samples that mean the same as another in other words, where `purge.semantic_eps` asks for it."""

from __future__ import annotations

import polars as pl

from entp.config import Config
from entp.embed import embed_samples
from entp.progress import progress
from entp.purge.duplicates.semantic import semantic_duplicates, survivor_rank
from entp.records import DUPLICATES, with_text

SEMANTIC = "semantic_duplicate"


def semantic_copies(samples: pl.DataFrame, config: Config) -> pl.DataFrame:
    """DUPLICATES rows, with a `reason`, of samples whose embedding is closer than `semantic_eps` to a kept one's.

    The groups that the guard protects are source and language together. Holds and embeds every sample given.
    """
    if config.purge.semantic_eps is None or samples.is_empty():
        return DUPLICATES.to_frame().with_columns(reason=pl.lit(SEMANTIC))
    with progress("purge: meaning", samples.height) as advance:
        vectors = embed_samples(samples, config.embed, advance)
    lengths = with_text(samples)["response"].str.len_chars().to_numpy()
    groups = samples.select(pl.concat_str("source", "language", separator="\0")).to_series().to_numpy()
    rank = survivor_rank(samples["id"].to_list(), lengths, None)
    survivor, cosine = semantic_duplicates(vectors, rank, groups, config.purge.semantic_eps, config.seed)
    found = samples.select("id", survivor=pl.col("id").gather(pl.Series(survivor)), cosine=pl.Series(cosine))
    return (
        found.with_columns(cluster=pl.col("id").min().over("survivor"), jaccard=pl.lit(None, dtype=pl.Float64))
        .filter(pl.col("id") != pl.col("survivor"))
        .select(list(DUPLICATES))
        .cast(DUPLICATES)
        .with_columns(reason=pl.lit(SEMANTIC))
    )
