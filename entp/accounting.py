"""Every ingested row has exactly one fate: ingested = quarantined + duplicates + purged + HQ + LQ + undecided.

`fates` works on whatever stages have been published; `check` raises where a row is lost or counted twice. Datasets that
an earlier run made from other inputs are passed over: their stages are still to run.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from entp import store
from entp.errors import DataError
from entp.records import DUPLICATE_REASONS, TIERS

#: Fates in the order of the funnel. A row is "waiting" while the stage that decides about it has not run.
FATES = ("quarantined", "duplicates", "purged", *TIERS, "waiting")


def funnel(run: Path) -> pl.DataFrame:
    """One row per source plus a total: `source`, `ingested`, and a column per fate."""
    counts = (
        fates(run)
        .group_by("source")
        .agg(pl.len().alias("ingested"), *(pl.col("fate").eq(fate).sum().alias(fate) for fate in FATES))
        .sort("source")
    )
    total = counts.select(pl.lit("total").alias("source"), pl.exclude("source").sum())
    return pl.concat([counts, total], how="vertical_relaxed")


def fates(run: Path) -> pl.DataFrame:
    """`id` (null in quarantine), `source` and `fate` of every row that was read."""
    ingest = run / "ingest"
    quarantined = store.read(ingest, "quarantine").select(pl.lit(None, pl.String).alias("id"), "source")
    repeats = store.read(ingest, "repeats").select("id", "source")
    samples = store.read(ingest, "samples").select("id", "source")
    decided = samples.join(_decisions(run), on="id", how="left").with_columns(pl.col("fate").fill_null("waiting"))
    return pl.concat(
        [
            quarantined.with_columns(fate=pl.lit("quarantined")),
            repeats.with_columns(fate=pl.lit("duplicates")),
            decided.select("id", "source", "fate"),
        ]
    )


def check(run: Path) -> None:
    """Raise DataError naming the first place where rows are lost, invented or counted twice.

    Nothing can be checked where `run` does not hold the ingested rows (a single stage in a container of its own).
    """
    if not store.is_published(run / "ingest"):
        return
    read_rows = int(store.read_summary(run / "ingest").metrics["rows_read"])
    accounted = fates(run).height
    if accounted != read_rows:
        raise DataError(
            f"{run}: {read_rows} rows were read but {accounted} are accounted for; delete {run} and run again"
        )
    ingested = store.read(run / "ingest", "samples")["id"]
    _must_be(ingested.n_unique() == len(ingested), run / "ingest", "holds a sample id twice")
    if store.is_current(run / "purge"):
        judged = store.read(run / "purge", "verdicts")["id"].unique()
        kept = store.read(run / "purge", "samples")["id"]
        _must_be(set(judged) == set(ingested), run / "purge", "has verdicts for other samples than were ingested")
        surviving = _purge_decisions(run).filter(pl.col("fate").is_null())["id"]
        _must_be(sorted(kept) == sorted(surviving), run / "purge", "keeps other samples than its verdicts say")
        if store.is_current(run / "curate"):
            scored = store.read(run / "curate", "scores")["id"]
            _must_be(sorted(scored) == sorted(kept), run / "curate", "scores other samples than the purge kept")
    if store.is_current(run / "mix"):
        paired = store.read(run / "pair", "pairs")["pair_id"]
        outcomes = store.read(run / "mix", "fusions")["pair_id"]
        _must_be(sorted(paired) == sorted(outcomes), run / "mix", "has outcomes for other pairs than were made")


def _decisions(run: Path) -> pl.DataFrame:
    """`id` and `fate` of each sample decided about so far."""
    if not store.is_current(run / "purge"):
        return pl.DataFrame(schema={"id": pl.String, "fate": pl.String})
    decisions = _purge_decisions(run).drop_nulls("fate")
    if not store.is_current(run / "curate"):
        return decisions
    tiers = store.read(run / "curate", "scores").select("id", fate="tier")
    return pl.concat([decisions, tiers])


def _purge_decisions(run: Path) -> pl.DataFrame:
    """`id` and `fate`: "purged" by any rule, else "duplicates", else null for the samples kept."""
    dropped = ~pl.col("keep")
    by_rule = dropped & ~pl.col("reason").is_in(DUPLICATE_REASONS)
    fate = pl.when(by_rule.any()).then(pl.lit("purged")).when(dropped.any()).then(pl.lit("duplicates"))
    return store.read(run / "purge", "verdicts").group_by("id", maintain_order=True).agg(fate.alias("fate"))


def _must_be(condition: bool, dataset: Path, problem: str) -> None:
    if not condition:
        raise DataError(f"{dataset} {problem}; it belongs to another run: delete it and run again")
