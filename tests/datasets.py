"""Small datasets for tests, published the way the stages publish them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from entp import records, store
from entp.conversation import Message
from entp.store import Identity
from tests.conftest import quick_vectors

SCHEMAS = {
    ("ingest", "samples"): records.SAMPLES,
    ("ingest", "preferences"): records.PREFERENCES,
    ("ingest", "quarantine"): records.QUARANTINE,
    ("ingest", "repeats"): records.REPEATS,
    ("purge", "samples"): records.SAMPLES,
    ("purge", "verdicts"): records.VERDICTS,
    ("purge", "duplicates"): records.DUPLICATES,
    ("purge", "repairs"): records.REPAIRS,
    ("purge", "leaks"): records.LEAKS,
    ("purge", "rules"): records.RULES,
    ("purge", "weights"): records.WEIGHTS,
    ("rate", "ratings"): records.RATINGS,
    ("rate", "criteria"): records.RATING_CRITERIA,
    ("curate", "scores"): records.SCORES,
    ("curate", "transition"): records.TRANSITION,
    ("curate", "reliability"): records.RELIABILITY,
    ("curate", "embeddings"): records.EMBEDDINGS,
    ("pair", "pairs"): records.PAIRS,
    ("pair", "clusters"): records.CLUSTERS,
    ("pair", "domains"): records.DOMAINS,
    ("pair", "left_over"): records.LEFT_OVER,
    ("mix", "fusions"): records.FUSIONS,
    ("mix", "audit"): records.AUDIT_FINDINGS,
    ("mix", "audit_measures"): records.AUDIT_MEASURES,
    ("assemble", "train"): records.TRAINING,
    ("assemble", "validation"): records.TRAINING,
}

Rows = Sequence[Mapping[str, Any]]

#: `curate/transition` of a rater that is always right.
TRANSITION: Rows = [
    {"true": true, "observed": observed, "probability": float(true == observed), "prior": 1 / 6}
    for true in range(6)
    for observed in range(6)
]


def publish(run: Path, stage: str, metrics: Mapping[str, float] | None = None, **tables: Rows) -> Path:
    """Publish `run/<stage>` with the given tables (rows as dicts); the stage's other tables are empty."""
    with store.publish(run / stage, Identity(stage, {}, "test", {})) as dataset:
        for (owner, table), schema in SCHEMAS.items():
            if owner == stage:
                dataset.write(table, pl.DataFrame(list(tables.get(table, [])), schema=schema), schema)
        dataset.summarise(metrics or {})
    return run / stage


def sample(instruction: str, response: str, source: str = "forum", row: int = 1) -> dict[str, Any]:
    """One row of `samples`."""
    messages = [Message(role="user", content=instruction), Message(role="assistant", content=response)]
    return {
        "id": records.content_id(messages),
        "source": source,
        "messages": messages,
        "language": "en",
        "meta": json.dumps({"file": "pool.jsonl", "row": row}),
    }


def embeddings(samples: Rows) -> list[dict[str, Any]]:
    """A row of `curate/embeddings` for each sample."""
    vectors = quick_vectors([row["id"] for row in samples])
    return [{"id": row["id"], "vector": vector.tolist()} for row, vector in zip(samples, vectors, strict=True)]


def pair(name: str, first: Mapping[str, Any], second: Mapping[str, Any], cluster: int = 0) -> dict[str, Any]:
    """One row of `pairs`."""
    parents = {"parent_a": first["id"], "parent_b": second["id"]}
    return {"pair_id": name, **parents, "similarity": 0.5, "cluster": cluster}


def publish_pairs(run: Path, samples: Rows) -> Path:
    """Publish `run` as it is before `mix`, each two samples a pair (`pair0000` and so on). Returns `run`."""
    couples = zip(samples[::2], samples[1::2], strict=True)
    publish(run, "purge", samples=samples)
    publish(run, "curate", transition=TRANSITION, embeddings=embeddings(samples))
    publish(run, "pair", pairs=[pair(f"pair{number:04d}", *couple) for number, couple in enumerate(couples)])
    return run
