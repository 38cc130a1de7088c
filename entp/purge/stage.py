"""The purge stage: what is repaired, what is rejected, which copy stays, and why."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from entp import store
from entp.config import Config, PurgeConfig
from entp.errors import DataError
from entp.progress import progress
from entp.purge.choice import choose_rules
from entp.purge.duplicates import exact_duplicates, near_duplicates
from entp.purge.judge import BATCH, judge
from entp.purge.repair import repair
from entp.purge.rule import Rule
from entp.records import DUPLICATE_REASONS, DUPLICATES, SAMPLES, VERDICTS
from entp.stages import Inputs, identity
from entp.store import Summary

#: The reason of a sample that nothing has to be said about.
PASSED = "passed"
EXACT, NEAR = DUPLICATE_REASONS


def run(config: Config, inputs: Inputs, output: Path) -> Summary:
    """Repair, judge by rule, keep one copy of each; publish the kept samples, and a verdict for every sample.

    Raises UsageError for a configured reason that does not exist, DataError where too few samples survive.
    """
    rules = choose_rules(config.purge)
    with store.publish(output, identity("purge", config, inputs)) as dataset:
        samples = store.read(inputs["ingest"], "samples")
        repaired, repairs = _repair(samples, [rule for rule in rules if rule.action == "repair"])
        fired = _judge(repaired, [rule for rule in rules if rule.action != "repair"], config.purge)
        sound = repaired.join(fired.filter(~pl.col("keep")), on="id", how="anti", maintain_order="left")
        duplicates = _duplicates(sound, config.purge)

        verdicts = assemble_verdicts(samples, repairs, fired, duplicates)
        kept = repaired.join(verdicts.filter(~pl.col("keep")), on="id", how="anti", maintain_order="left")
        _check(samples.height, kept.height, verdicts, config.purge.min_kept_ratio)
        dataset.write("samples", kept, SAMPLES)
        dataset.write("verdicts", verdicts, VERDICTS)
        dataset.write("duplicates", duplicates.sort("id"), DUPLICATES)
        return dataset.summarise(_metrics(samples.height, kept.height, verdicts, rules))


def assemble_verdicts(
    samples: pl.DataFrame, repairs: pl.DataFrame, fired: pl.DataFrame, duplicates: pl.DataFrame
) -> pl.DataFrame:
    """VERDICTS in the order of `samples`, then by reason; samples without any have passed."""
    columns = ("id", "keep", "reason", "value")
    said = pl.concat(
        [
            repairs.with_columns(keep=pl.lit(True)).select(columns),
            fired.select(columns),
            duplicates.with_columns(keep=pl.lit(False), value=pl.col("jaccard")).select(columns),
        ]
    )
    silent = samples.select("id").join(said, on="id", how="anti")
    passed = silent.with_columns(keep=pl.lit(True), reason=pl.lit(PASSED), value=pl.lit(0.0))
    order = samples.select("id").with_row_index("position")
    return (
        pl.concat([said, passed.select(columns)])
        .join(order, on="id", how="left")
        .sort("position", "reason")
        .select("id", pl.lit("purge").alias("stage"), "keep", "reason", "value")
    )


def _repair(samples: pl.DataFrame, repairs: list[Rule]) -> tuple[pl.DataFrame, pl.DataFrame]:
    with progress("purge: repair", samples.height) as advance:
        batches = []
        for batch in samples.iter_slices(BATCH):
            batches.append(repair(batch, repairs))
            advance(batch.height)
    if not batches:
        return repair(samples, repairs)
    return pl.concat([mended for mended, _ in batches]), pl.concat([changes for _, changes in batches])


def _judge(samples: pl.DataFrame, rules: list[Rule], config: PurgeConfig) -> pl.DataFrame:
    with progress("purge: rules", samples.height) as advance:
        return judge(samples, rules, config.languages, advance)


def _duplicates(samples: pl.DataFrame, config: PurgeConfig) -> pl.DataFrame:
    """DUPLICATES with a `reason`; every survivor named does survive."""
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


def _check(ingested: int, kept: int, verdicts: pl.DataFrame, min_kept_ratio: float) -> None:
    if kept and kept >= min_kept_ratio * ingested:
        return
    counts = verdicts.filter(~pl.col("keep"))["reason"].value_counts().sort("count", "reason", descending=[True, False])
    commonest = ", ".join(f"{reason} {count}" for reason, count in counts.head(5).iter_rows())
    raise DataError(
        f"purge: only {kept} of {ingested} samples survive; commonest reasons: {commonest or 'none, nothing came in'}; "
        "look at the data, name reasons in purge.disable, or lower purge.min_kept_ratio"
    )


def _metrics(ingested: int, kept: int, verdicts: pl.DataFrame, rules: tuple[Rule, ...]) -> dict[str, float]:
    samples_by_reason = dict(verdicts.group_by("reason").agg(pl.col("id").n_unique()).iter_rows())
    exact, near = (samples_by_reason.get(reason, 0) for reason in DUPLICATE_REASONS)
    repairs = [rule.reason for rule in rules if rule.action == "repair"]
    return {
        "kept_ratio": kept / ingested,
        "kept": kept,
        "dropped": ingested - kept - exact - near,
        "duplicates": exact + near,
        "exact_duplicates": exact,
        "near_duplicates": near,
        "repaired": verdicts.filter(pl.col("reason").is_in(repairs))["id"].n_unique(),
        **{f"rule/{rule.reason}": samples_by_reason.get(rule.reason, 0) for rule in rules},
    }
