"""Which rows make up the set: accepted fusions, and HQ samples in proportion."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from entp.config import AssembleConfig
from entp.conversation import MESSAGES
from entp.errors import UsageError
from entp.records import ACCEPTED_STATUSES, WEIGHTS, chances
from entp.sources.weights import fixed

#: TRAINING plus what blending, splitting and counting need: the language, the cluster (null for HQ samples), and the
#: sources of the parents one by one.
CANDIDATES = pl.Schema(
    {
        "id": pl.String,
        "origin": pl.String,
        "source": pl.String,
        "messages": MESSAGES,
        "tools": pl.String,
        "parents": pl.List(pl.String),
        "language": pl.String,
        "cluster": pl.Int64,
        "sources": pl.List(pl.String),
    }
)
ORIGINS = ("fusion", "rewrite", "hq")
SOURCE_SEPARATOR = " + "


def fusion_candidates(fusions: pl.DataFrame, pairs: pl.DataFrame, samples: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Accepted fusions as CANDIDATES, best first: two-to-one before rewrites, then by loss, then by seeded hash.

    The id is the pair's (`entp trace` takes it); a rewrite, too, names both samples of its pair as parents.
    """
    described = samples.select("id", "source", "language")
    origin = pl.col("status").replace_strict({"fused": "fusion", "rewritten": "rewrite"}, return_dtype=pl.String)
    sources = pl.concat_list("source", "source_b")
    accepted = (
        fusions.filter(pl.col("status").is_in(ACCEPTED_STATUSES))
        .join(pairs, on="pair_id")
        .join(described, left_on="parent_a", right_on="id")
        .join(described, left_on="parent_b", right_on="id", suffix="_b")
        .with_columns(origin=origin, chance=_chance("pair_id", seed))
        .sort("origin", "loss_last", "chance")
    )
    return accepted.with_columns(
        id="pair_id",
        tools=pl.lit(None, pl.String),
        parents=pl.concat_list("parent_a", "parent_b"),
        sources=sources,
        source=sources.list.unique().list.sort().list.join(SOURCE_SEPARATOR),
    ).select(list(CANDIDATES))


def hq_candidates(
    scores: pl.DataFrame, samples: pl.DataFrame, seed: int, weights: pl.DataFrame | None = None
) -> pl.DataFrame:
    """HQ samples as CANDIDATES, best first: by curated score, then confidence, then seeded hash.

    With WEIGHTS, a sample of weight w waits behind all that need not wait, with chance 1 - w: what many samples say is
    taken as often as its weight says, and nothing is lost where there is room for all (SoftDedup's sampling weight; how
    it meets our order is our choice).
    """
    weighed = scores.join(WEIGHTS.to_frame() if weights is None else weights, on="id", how="left")
    best = (
        weighed.filter(tier="HQ")
        .with_columns(chance=_chance("id", seed))
        .with_columns(waits=pl.col("chance") >= pl.col("weight").fill_null(1.0))
        .sort(["waits", "score_curated", "confidence", "chance"], descending=[False, True, True, False])
        .join(samples, on="id", maintain_order="left")
    )
    return best.with_columns(
        origin=pl.lit("hq"),
        parents=pl.concat_list("id"),
        sources=pl.concat_list("source"),
        cluster=pl.lit(None, pl.Int64),
    ).select(list(CANDIDATES))


def without_repeats(candidates: pl.DataFrame) -> pl.DataFrame:
    """The first row of each text; white space and case do not make a difference, calls of tools and tools do."""
    turn = pl.element().struct
    said = pl.concat_str(turn.field("content"), turn.field("tool_calls"), separator=" ", ignore_nulls=True)
    words = pl.concat_str(pl.col("messages").list.eval(said).list.join(" "), "tools", separator=" ", ignore_nulls=True)
    text = words.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
    return candidates.with_columns(text=text).unique("text", keep="first", maintain_order=True).drop("text")


def blend(fusions: pl.DataFrame, hq: pl.DataFrame, config: AssembleConfig) -> pl.DataFrame:
    """The best rows of both kinds in the numbers `blend_sizes` gives, sorted by origin and id."""
    fusion_rows, hq_rows = blend_sizes(fusions.height, hq.height, config)
    chosen = pl.concat([fusions.head(fusion_rows), hq.head(hq_rows)])
    return chosen.sort(pl.col("origin").cast(pl.Enum(ORIGINS)), "id")


def blend_sizes(fusions: int, hq: int, config: AssembleConfig) -> tuple[int, int]:
    """How many fusions and HQ samples to take of those there are.

    HQ samples are `hq_share` of the set. Where fusions are too few for a set of `fill_rows` rows, further HQ samples
    fill it up to that; without HQ samples to match them, fusions are taken all the same. `max_rows` cuts both kinds,
    keeping the share. (Our choice: with two fusions a strict half would leave a set of four rows.)
    """
    if config.hq_share == 0:
        return min(fusions, config.max_rows or fusions), 0
    budget = config.max_rows or fusions + hq
    fusions_taken = min(fusions, budget - min(hq, round(budget * config.hq_share)))
    in_share = round(fusions_taken * config.hq_share / (1 - config.hq_share))
    to_fill = min(config.fill_rows, budget) - fusions_taken
    return fusions_taken, max(0, min(hq, max(in_share, to_fill), budget - fusions_taken))


def by_source_shares(hq: pl.DataFrame, shares: Mapping[str, float]) -> pl.DataFrame:
    """HQ candidates in such an order that the first n, for any n, hold these shares of their sources.

    Within a source the order stays. A source that runs out leaves its room to the others; one of share 0 is left out.
    Without shares the order stays. (Webster's method of apportionment: the r-th of a source with share p comes by
    (r - 1/2) / p.) Raises UsageError for shares that name no source here, or leave one out.
    """
    if not shares or hq.is_empty():
        return hq
    found = hq["source"].unique().sort().to_list()
    for name in sorted(set(shares) ^ set(found)):
        what = (
            "no HQ sample is of that source" if name in shares else "it has HQ samples, but no share (0 leaves it out)"
        )
        raise UsageError(f"assemble.source_shares: {name!r}: {what}; the sources are {', '.join(found)}")
    weights = dict(zip(shares, fixed(list(shares.values())), strict=True))
    share = pl.col("source").replace_strict(weights, return_dtype=pl.Float64)
    place = pl.int_range(pl.len()).over("source")
    ordered = hq.with_columns(share=share, turn=(place + 0.5) / share).filter(pl.col("share") > 0)
    return ordered.sort("turn", maintain_order=True).drop("share", "turn")


def rows_per_source(rows: pl.DataFrame) -> dict[str, float]:
    """Rows that each source contributed; a fusion counts half for either parent's, so that the sum is all rows."""
    credit = rows.select("sources", credit=1 / pl.col("sources").list.len()).explode("sources")
    totals = credit.group_by("sources").agg(pl.col("credit").sum()).sort("sources")
    return dict(totals.iter_rows())


def _chance(column: str, seed: int) -> pl.Expr:
    return pl.col(column).map_batches(lambda ids: chances(ids, seed), return_dtype=pl.Float64)
