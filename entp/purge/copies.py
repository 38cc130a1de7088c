"""Which samples are copies of others, among those that no rule dropped."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from entp.config import Config, PurgeConfig
from entp.progress import progress
from entp.purge.duplicates.exact import exact_duplicates
from entp.purge.duplicates.index import indexed_chunks
from entp.purge.duplicates.near import near_duplicates
from entp.purge.meaning import semantic_copies
from entp.purge.scratch import Scratch
from entp.records import DUPLICATE_REASONS, DUPLICATES

EXACT, NEAR, _ = DUPLICATE_REASONS


def find_copies(scratch: Scratch, dropped: pl.DataFrame, config: Config) -> pl.DataFrame:
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
    alike = semantic_copies(left, config)
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
