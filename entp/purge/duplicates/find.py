"""Which samples are duplicates of others, among those that no rule dropped: exact, near, and in meaning.

Each kind is looked for among what the one before it left. The last is found where `purge.semantic_eps` asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from entp.config import Config, PurgeConfig
from entp.conversation import with_text
from entp.embed import embed_samples
from entp.progress import progress
from entp.purge.duplicates.exact import exact_duplicates
from entp.purge.duplicates.index import indexed_chunks
from entp.purge.duplicates.near import near_duplicates
from entp.purge.duplicates.semantic import semantic_duplicates, survivor_rank
from entp.purge.scratch import Scratch
from entp.records import DUPLICATE_REASONS, DUPLICATES

EXACT, NEAR, SEMANTIC = DUPLICATE_REASONS


def find_duplicates(scratch: Scratch, dropped: pl.DataFrame, config: Config) -> pl.DataFrame:
    """DUPLICATES with a `reason`; every survivor named does survive. `dropped` holds the `id`s that are out already."""
    with progress("purge: copies", 2) as advance:
        exact = _exact(scratch, dropped, config.purge)
        advance()
        near = _near(scratch, pl.concat([dropped, exact.select("id")]), config.purge)
        advance()
    found = pl.concat([_onward(exact, near).with_columns(reason=pl.lit(EXACT)), near.with_columns(reason=pl.lit(NEAR))])
    if config.purge.semantic_eps is None:
        return found
    left = scratch.remaining("samples", pl.concat([dropped, found.select("id")]))
    alike = _semantic(left, config)
    return pl.concat([_onward(found, alike), alike])


def _exact(scratch: Scratch, dropped: pl.DataFrame, config: PurgeConfig) -> pl.DataFrame:
    if EXACT in config.disable:
        return DUPLICATES.to_frame()
    columns = ("id", "key", "length")
    keyed = scratch.scan("shingles").select(columns).join(dropped.lazy(), on="id", how="anti").collect()
    earlier = (chunk.select(columns) for chunk in indexed_chunks(config))
    return _of_this_pool(exact_duplicates(pl.concat([keyed, *earlier])), keyed)


def _near(scratch: Scratch, dropped: pl.DataFrame, config: PurgeConfig) -> pl.DataFrame:
    if NEAR in config.disable:
        return DUPLICATES.to_frame()

    def chunks() -> Iterator[pl.DataFrame]:
        yield from indexed_chunks(config)
        yield from scratch.remaining_chunks("shingles", dropped)

    found = near_duplicates(chunks, config.near_duplicate_jaccard, config.duplicate_scope)
    return _of_this_pool(found, scratch.scan("shingles").select("id").collect())


def _semantic(samples: pl.DataFrame, config: Config) -> pl.DataFrame:
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


def _of_this_pool(found: pl.DataFrame, pool: pl.DataFrame) -> pl.DataFrame:
    """Without what concerns the index alone."""
    return found.join(pool.select("id"), on="id", how="semi", maintain_order="left")


def _onward(copies: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """The survivor of a copy may itself be a copy of another kind: then both have that one's survivor and cluster."""
    last = later.select(survivor="id", last="survivor", joint="cluster")
    return (
        copies.join(last, on="survivor", how="left", maintain_order="left")
        .with_columns(survivor=pl.coalesce("last", "survivor"), cluster=pl.coalesce("joint", "cluster"))
        .drop("last", "joint")
    )
