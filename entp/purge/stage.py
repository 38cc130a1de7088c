"""The purge stage: what is repaired, what is rejected, which copy stays, and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from entp import store
from entp.config import Config, PurgeConfig
from entp.errors import DataError
from entp.purge import priors
from entp.purge.choice import choose_rules
from entp.purge.copies import find_copies
from entp.purge.distributions import distributions
from entp.purge.examine import examine_pool
from entp.purge.judge import decide
from entp.purge.rule import Rule
from entp.purge.scratch import Scratch, scratch_folder
from entp.purge.verdicts import assemble_verdicts
from entp.records import DUPLICATE_REASONS, DUPLICATES, REPAIRS, RULES, SAMPLES, VERDICTS
from entp.stages import Inputs, identity
from entp.store import Dataset, Summary

PRIORS_FILE = "priors.json"
ROWS_PER_PART = 50_000


def run(config: Config, inputs: Inputs, output: Path) -> Summary:
    """Repair, judge by rule, keep one copy of each; publish the kept samples, and a verdict for every sample.

    Texts pass through in chunks: memory holds what is known of each sample, never the pool's texts.
    Raises UsageError for a configured reason or file that does not exist, DataError where too few samples survive.
    """
    rules = choose_rules(config.purge)
    measured = [rule for rule in rules if rule.action != "repair"]
    with store.publish(output, identity("purge", config, inputs)) as dataset, scratch_folder(output.parent) as scratch:
        ingested = examine_pool(inputs["ingest"], config.purge, scratch)
        _must_hold_samples(ingested)
        limits = _limits(scratch, measured, config.purge)
        fired = decide(scratch.scan("numbers"), measured, limits)
        duplicates = find_copies(scratch, fired.filter(~pl.col("keep")).select("id").unique(), config.purge)
        verdicts = assemble_verdicts(scratch, fired, duplicates)
        dropped = verdicts.filter(~pl.col("keep"))["id"].unique()
        _check(ingested, len(dropped), verdicts, config.purge.min_kept_ratio)
        _write_samples(dataset, scratch, dropped)
        dataset.write("verdicts", verdicts, VERDICTS)
        dataset.write("duplicates", duplicates.sort("id"), DUPLICATES)
        dataset.write("repairs", scratch.scan("repairs").collect(), REPAIRS)
        dataset.write("rules", distributions(scratch.scan("numbers"), measured, limits), RULES)
        priors.write(limits, dataset.subfolder("priors") / PRIORS_FILE)
        return dataset.summarise(_metrics(ingested, len(dropped), verdicts, rules))


def fit_priors(config: Config, inputs: Inputs, path: Path) -> pl.DataFrame:
    """Learn the quantile priors of the pool, write them to a file, and return them (`priors.LIMITS`)."""
    rules = [rule for rule in choose_rules(config.purge) if rule.action != "repair"]
    with scratch_folder(inputs["ingest"].parent) as scratch:
        _must_hold_samples(examine_pool(inputs["ingest"], config.purge, scratch))
        limits = priors.fit(scratch.scan("numbers"), rules)
    priors.write(limits, path)
    return limits


def _limits(scratch: Scratch, rules: Sequence[Rule], config: PurgeConfig) -> pl.DataFrame:
    """The pool's own quantiles, or those of the file that the configuration pins."""
    return priors.fit(scratch.scan("numbers"), rules) if config.priors is None else priors.read(Path(config.priors))


def _write_samples(dataset: Dataset, scratch: Scratch, dropped: pl.Series) -> None:
    """The kept samples, as they were mended, in the order they came in."""
    waiting: list[pl.DataFrame] = []
    gone = dropped.to_frame("id")
    for chunk in scratch.chunks("samples"):
        waiting.append(chunk.join(gone, on="id", how="anti", maintain_order="left"))
        if sum(kept.height for kept in waiting) >= ROWS_PER_PART:
            dataset.write("samples", pl.concat(waiting), SAMPLES)
            waiting = []
    if waiting:
        dataset.write("samples", pl.concat(waiting), SAMPLES)


def _must_hold_samples(ingested: int) -> None:
    if not ingested:
        raise DataError("purge: nothing came in; look at what `entp ingest` put into quarantine")


def _check(ingested: int, dropped: int, verdicts: pl.DataFrame, min_kept_ratio: float) -> None:
    kept = ingested - dropped
    if kept and kept >= min_kept_ratio * ingested:
        return
    counts = verdicts.filter(~pl.col("keep"))["reason"].value_counts().sort("count", "reason", descending=[True, False])
    commonest = ", ".join(f"{reason} {count}" for reason, count in counts.head(5).iter_rows())
    raise DataError(
        f"purge: only {kept} of {ingested} samples survive; commonest reasons: {commonest}; "
        "look at the data, name reasons in purge.disable, or lower purge.min_kept_ratio"
    )


def _metrics(ingested: int, gone: int, verdicts: pl.DataFrame, rules: Sequence[Rule]) -> dict[str, float]:
    samples_by_reason = dict(verdicts.group_by("reason").agg(pl.col("id").n_unique()).iter_rows())
    exact, near = (samples_by_reason.get(reason, 0) for reason in DUPLICATE_REASONS)
    repairs = [rule.reason for rule in rules if rule.action == "repair"]
    return {
        "kept_ratio": (ingested - gone) / ingested,
        "kept": ingested - gone,
        "dropped": gone - exact - near,
        "duplicates": exact + near,
        "exact_duplicates": exact,
        "near_duplicates": near,
        "repaired": verdicts.filter(pl.col("reason").is_in(repairs))["id"].n_unique(),
        **{f"rule/{rule.reason}": samples_by_reason.get(rule.reason, 0) for rule in rules},
    }
