"""Which samples are copies of others, among those that no rule dropped."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from entp.config import PurgeConfig
from entp.progress import progress
from entp.purge.duplicates.exact import exact_duplicates
from entp.purge.duplicates.near import near_duplicates
from entp.purge.scratch import Scratch
from entp.records import DUPLICATE_REASONS, DUPLICATES

EXACT, NEAR = DUPLICATE_REASONS


def find_copies(scratch: Scratch, dropped: pl.DataFrame, config: PurgeConfig) -> pl.DataFrame:
    """DUPLICATES with a `reason`; every survivor named does survive. `dropped` holds the `id`s that are out already."""
    with progress("purge: copies", 2) as advance:
        exact = _exact(scratch, dropped, config)
        advance()
        near = _near(scratch, pl.concat([dropped, exact.select("id")]), config)
        advance()
    return pl.concat([_onward(exact, near).with_columns(reason=pl.lit(EXACT)), near.with_columns(reason=pl.lit(NEAR))])


def _exact(scratch: Scratch, dropped: pl.DataFrame, config: PurgeConfig) -> pl.DataFrame:
    if EXACT in config.disable:
        return DUPLICATES.to_frame()
    keyed = scratch.scan("shingles").select("id", "key", "length")
    return exact_duplicates(keyed.join(dropped.lazy(), on="id", how="anti").collect())


def _near(scratch: Scratch, dropped: pl.DataFrame, config: PurgeConfig) -> pl.DataFrame:
    if NEAR in config.disable:
        return DUPLICATES.to_frame()

    def chunks() -> Iterator[pl.DataFrame]:
        for chunk in scratch.chunks("shingles"):
            yield chunk.join(dropped, on="id", how="anti", maintain_order="left")

    return near_duplicates(chunks, config.near_duplicate_jaccard, config.duplicate_scope)


def _onward(exact: pl.DataFrame, near: pl.DataFrame) -> pl.DataFrame:
    """The survivor of an exact copy may itself be a near copy: then both have the same survivor and cluster."""
    last = near.select(survivor="id", last="survivor", closeness="jaccard", joint="cluster")
    return exact.join(last, on="survivor", how="left").select(
        "id",
        survivor=pl.coalesce("last", "survivor"),
        jaccard=pl.coalesce("closeness", "jaccard"),
        cluster=pl.coalesce("joint", "cluster"),
    )
