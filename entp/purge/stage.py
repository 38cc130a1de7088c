"""The purge stage: what is repaired, what is rejected, which copy stays, and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from entp import store
from entp.config import Config, PurgeConfig
from entp.errors import DataError
from entp.purge import priors
from entp.purge.apply_rules import FIRED, decide
from entp.purge.choice import choose_rules
from entp.purge.duplicates.find import find_duplicates
from entp.purge.duplicates.index import write_index
from entp.purge.examine import examine_pool
from entp.purge.resemblance import find_boilerplate, weigh
from entp.purge.rule import Rule
from entp.purge.scratch import Scratch, scratch_folder
from entp.purge.summary import distributions, metrics
from entp.purge.verdicts import assemble_verdicts, with_flags
from entp.records import (
    CONTAMINATED,
    DUPLICATES,
    LEAKS,
    PERSONAL,
    REPAIRS,
    RULES,
    SAMPLES,
    SPAN_PLACES,
    SPANS,
    VERDICTS,
    WEIGHTS,
)
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
    with store.publish(output, identity("purge", config, inputs)) as dataset, scratch_folder(output) as scratch:
        ingested = examine_pool(inputs["ingest"], config.purge, scratch)
        _must_hold_samples(ingested)
        limits = _limits(scratch, measured, config.purge)
        fired = pl.concat([decide(scratch.scan("numbers"), measured, limits), _contaminated(scratch)])
        duplicates = find_duplicates(scratch, fired.filter(~pl.col("keep")).select("id").unique(), config)
        verdicts = assemble_verdicts(scratch, fired, duplicates)
        gone = verdicts.filter(~pl.col("keep")).select("id").unique()
        _check(ingested, gone.height, verdicts, config.purge.min_kept_ratio)
        _write_samples(dataset, scratch, gone)
        flagged = _write_resemblance(dataset, scratch, gone, config.purge)
        dataset.write("verdicts", with_flags(verdicts, flagged), VERDICTS)
        dataset.write("duplicates", duplicates.sort("id"), DUPLICATES)
        for table, schema in (("repairs", REPAIRS), ("personal", PERSONAL), ("leaks", LEAKS)):
            dataset.write(table, scratch.scan(table).collect(), schema)
        dataset.write("rules", distributions(scratch.scan("numbers"), measured, limits), RULES)
        priors.write(limits, dataset.subfolder("priors") / PRIORS_FILE)
        if config.purge.keep_index:
            write_index(scratch.remaining_chunks("shingles", gone), config.purge, dataset.subfolder("index"))
        return dataset.summarise(metrics(ingested, gone.height, verdicts, rules, scratch, config.purge))


def fit_priors(config: Config, inputs: Inputs, path: Path) -> pl.DataFrame:
    """Learn the quantile priors of the pool, write them to a file, and return them (`priors.LIMITS`)."""
    rules = [rule for rule in choose_rules(config.purge) if rule.action != "repair"]
    with scratch_folder(inputs["ingest"].parent / "priors") as scratch:
        _must_hold_samples(examine_pool(inputs["ingest"], config.purge, scratch))
        limits = priors.fit(scratch.scan("numbers"), rules)
    priors.write(limits, path)
    return limits


def _limits(scratch: Scratch, rules: Sequence[Rule], config: PurgeConfig) -> pl.DataFrame:
    """The pool's own quantiles, or those of the file that the configuration pins."""
    return priors.fit(scratch.scan("numbers"), rules) if config.priors is None else priors.read(Path(config.priors))


def _write_samples(dataset: Dataset, scratch: Scratch, gone: pl.DataFrame) -> None:
    """The kept samples, as they were mended, in the order they came in."""
    waiting: list[pl.DataFrame] = []
    for chunk in scratch.remaining_chunks("samples", gone):
        waiting.append(chunk)
        if sum(kept.height for kept in waiting) >= ROWS_PER_PART:
            dataset.write("samples", pl.concat(waiting), SAMPLES)
            waiting = []
    if waiting:
        dataset.write("samples", pl.concat(waiting), SAMPLES)


def _contaminated(scratch: Scratch) -> pl.DataFrame:
    """FIRED rows of the samples that give an evaluation item away; `value` is the share of it that they hold."""
    worst = scratch.scan("leaks").group_by("id", maintain_order=True).agg(value=pl.col("share").max())
    return (
        worst.select("id", keep=pl.lit(False), reason=pl.lit(CONTAMINATED), value="value", turn=pl.lit(None))
        .cast(FIRED)
        .collect()
    )


def _write_resemblance(dataset: Dataset, scratch: Scratch, gone: pl.DataFrame, config: PurgeConfig) -> pl.DataFrame:
    """What the kept samples have in common, where it is asked for: weights, and shared spans (the FIRED rows)."""
    if config.shared_span_texts is None and not config.soft_duplicates:
        return FIRED.to_frame()
    kept = scratch.remaining("samples", gone)
    spans, places, flagged = find_boilerplate(kept, config)
    dataset.write("spans", spans, SPANS)
    dataset.write("span_places", places, SPAN_PLACES)
    if config.soft_duplicates:
        dataset.write("weights", weigh(kept), WEIGHTS)
    return flagged


def _must_hold_samples(ingested: int) -> None:
    if not ingested:
        raise DataError(
            "purge: no sample came in; look at what `entp ingest` put into quarantine, or among the preferences"
        )


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
