"""Which samples are copies of others, among those that no rule dropped."""

from __future__ import annotations

import polars as pl

from entp.config import PurgeConfig
from entp.progress import progress
from entp.purge.duplicates import exact_duplicates, near_duplicates
from entp.purge.scratch import Scratch
from entp.records import DUPLICATE_REASONS, DUPLICATES

EXACT, NEAR = DUPLICATE_REASONS


def find_copies(scratch: Scratch, dropped: pl.Series, config: PurgeConfig) -> pl.DataFrame:
    """DUPLICATES with a `reason`; every survivor named does survive."""
    samples = (
        scratch.scan("samples")
        .collect()
        .join(dropped.unique().to_frame("id"), on="id", how="anti", maintain_order="left")
    )
    none = DUPLICATES.to_frame()
    exact = none if EXACT in config.disable else exact_duplicates(samples)
    single = samples.join(exact, on="id", how="anti", maintain_order="left")
    with progress("purge: near-duplicates", single.height) as advance:
        near = (
            none
            if NEAR in config.disable
            else near_duplicates(
                single, config.near_duplicate_jaccard, config.shingle_words, config.permutations, advance
            )
        )
    # The survivor of an exact copy may itself be a near copy: then both have the same survivor.
    onward = near.select(survivor="id", last="survivor", closeness="jaccard")
    exact = exact.join(onward, on="survivor", how="left").select(
        "id", survivor=pl.coalesce("last", "survivor"), jaccard=pl.coalesce("closeness", "jaccard")
    )
    return pl.concat([exact.with_columns(reason=pl.lit(EXACT)), near.with_columns(reason=pl.lit(NEAR))])
