"""The assemble stage: accepted fusions and HQ samples become a training set that other tools read as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from entp import store
from entp.assemble.blend import (
    blend,
    by_source_shares,
    fusion_candidates,
    hq_candidates,
    rows_per_source,
    without_repeats,
)
from entp.assemble.files import write_files
from entp.assemble.split import hold_out
from entp.config import AssembleConfig, Config
from entp.errors import DataError
from entp.records import TRAINING
from entp.stages import Inputs, identity
from entp.store import Summary

#: A share further from the one asked for than this is worth a note.
NOTED_DIFFERENCE = 0.05
#: Sources with a metric of their own; a tracker draws a chart of each (our choice).
MOST_SOURCES = 100


def run(config: Config, inputs: Inputs, output: Path) -> Summary:
    """Blend accepted fusions with HQ samples, split by cluster, and publish tables, files and a card."""
    current = identity("assemble", config, inputs)
    with store.publish(output, current) as dataset:
        samples = store.read(inputs["purge"], "samples")
        scores = store.read(inputs["curate"], "scores")
        fusions = store.read(inputs["mix"], "fusions")
        weights = store.read(inputs["purge"], "weights") if store.holds(inputs["purge"], "weights") else None
        hq = hq_candidates(scores, samples, config.seed, weights)
        fused = fusion_candidates(fusions, store.read(inputs["pair"], "pairs"), samples, config.seed)
        unique = without_repeats(pl.concat([fused, hq]))

        chosen_hq = by_source_shares(unique.filter(origin="hq"), config.assemble.source_shares)
        rows = blend(unique.filter(pl.col("origin") != "hq"), chosen_hq, config.assemble)
        train, validation = hold_out(rows, config.assemble.validation_share, config.seed)
        _require_rows(train, fusions, scores, config.assemble)

        dataset.write("train", train, TRAINING)
        dataset.write("validation", validation, TRAINING)
        splits = {"train": train, "validation": validation} if validation.height else {"train": train}
        write_files(dataset.subfolder("dataset"), splits, dict(current.parents))
        metrics = measures(train, validation)
        repeated = fused.height + hq.height - unique.height
        notes = _notes(metrics, fusions, repeated, config.assemble)
        return dataset.summarise({**metrics, "repeated_rows": float(repeated)}, notes)


def measures(train: pl.DataFrame, validation: pl.DataFrame) -> dict[str, float]:
    """Counts of both splits together; `source/<source>` counts a fusion half for each parent's source."""
    rows = pl.concat([train, validation])
    origins = Counter(rows["origin"])
    return {
        "rows": float(rows.height),
        "train_rows": float(train.height),
        "validation_rows": float(validation.height),
        "fusion_rows": float(origins["fusion"]),
        "rewrite_rows": float(origins["rewrite"]),
        "hq_rows": float(origins["hq"]),
        "hq_share": round(origins["hq"] / rows.height, 6),
        **_of_sources(rows_per_source(rows)),
    }


def _of_sources(counts: Mapping[str, float]) -> dict[str, float]:
    """`source/<source>` of the largest sources; what the others have together is `source/others`."""
    largest = sorted(counts, key=lambda source: (-counts[source], source))[:MOST_SOURCES]
    others = sum(counts.values()) - sum(counts[source] for source in largest)
    return {f"source/{source}": counts[source] for source in largest} | ({"source/others": others} if others else {})


def _notes(metrics: dict[str, float], fusions: pl.DataFrame, repeated: int, config: AssembleConfig) -> tuple[str, ...]:
    notes = []
    if abs(metrics["hq_share"] - config.hq_share) > NOTED_DIFFERENCE:
        notes.append(
            f"HQ samples are {metrics['hq_share']:.0%} of the set (assemble.hq_share asks for {config.hq_share:.0%}): "
            f"{metrics['fusion_rows'] + metrics['rewrite_rows']:.0f} rows came of {fusions.height} pairs"
        )
    if repeated:
        notes.append(f"{repeated} rows repeat the text of another and were left out")
    if config.validation_share and not metrics["validation_rows"]:
        notes.append("no row is held out for validation: every cluster is larger than assemble.validation_share allows")
    return tuple(notes)


def _require_rows(train: pl.DataFrame, fusions: pl.DataFrame, scores: pl.DataFrame, config: AssembleConfig) -> None:
    if train.height >= config.min_rows:
        return
    found = Counter({f"samples {tier}": count for tier, count in Counter(scores["tier"]).items()})
    found.update({f"pairs {status}": count for status, count in Counter(fusions["status"]).items()})
    commonest = "; ".join(f"{name}: {count}" for name, count in found.most_common(5))
    raise DataError(
        f"assemble: {train.height} training rows came together, assemble.min_rows asks for {config.min_rows} "
        f"({commonest}). For more fusions raise mix.max_pairs or take a stronger model (llm.model=, llm.endpoint=); "
        "for more HQ samples lower curate.high_quality_from or curate.min_confidence, or raise assemble.fill_rows; "
        "or lower assemble.min_rows"
    )
