"""Our side of the purge's benchmark, a process of its own: prints JSON.

python -m benchmarks.purge_ours ingest|purge|common|near|floor RUN_FOLDER [POOL.jsonl]
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from entp import loop, params, store
from entp.purge.duplicates.near import near_duplicates
from entp.purge.duplicates.shingles import hashed_shingles
from entp.purge.examine import CHUNK
from entp.purge.rules import ALL_RULES
from entp.purge.spread import in_order, processors
from entp.stages import stage_named

#: Our counterparts of py-data-juicer's operators in `purge_rivals/data_juicer_driver.py`: of its text mappers the
#: repairs, of its filters the rules; e-mail and IP addresses and duplicates besides.
COMMON = frozenset(
    [
        "mojibake",
        "control_characters",
        "invisible_characters",
        "symbol_heavy",
        "replacement_characters",
        "digit_heavy",
        "zh_long_lines",
        "repeated_punctuation",
        "repeated_ngrams",
        "response_length_high",
        "response_length_low",
        "empty_response",
    ]
)


def main() -> None:
    work, run = sys.argv[1], Path(sys.argv[2])
    print(json.dumps(WORK[work](run)))


def ingest(run: Path) -> dict[str, Any]:
    """The stage `ingest` on the pool."""
    return _stage("ingest", run, [Path(sys.argv[3])])


def purge(run: Path) -> dict[str, Any]:
    """The stage `purge` as it is by default: all rules, personal data, leaks, exact and near-duplicates."""
    return _stage("purge", run, [])


def common(run: Path) -> dict[str, Any]:
    """The stage `purge` with no more than what py-data-juicer's operators do too."""
    off = [rule.reason for rule in ALL_RULES if rule.reason not in COMMON]
    return _stage("purge", run, [], f"purge.disable={[*off, 'contaminated']}", "purge.personal_data=[email,ip]")


def near(run: Path) -> dict[str, Any]:
    """Near-duplicates alone, from the ingested samples."""
    began = time.perf_counter()
    parts = map(pl.read_parquet, store.parts(run / "ingest", "samples"))
    chunks = [chunk for part in parts for chunk in part.iter_slices(CHUNK)]
    hashed = list(in_order(partial(hashed_shingles, size=5), chunks, processors()))

    def again() -> Iterator[pl.DataFrame]:
        return iter(hashed)

    found = near_duplicates(again, 0.8)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "copies": found.select("id", "survivor", "cluster").rows()}


def floor(run: Path) -> dict[str, Any]:
    """What cannot be saved: read, decode and hash every text once, in one process."""
    began = time.perf_counter()
    size = 0
    for part in store.parts(run / "ingest", "samples"):
        texts = pl.read_parquet(part).select(pl.col("messages").explode().struct.field("content")).to_series()
        for text in texts:
            encoded = text.encode()
            hashlib.blake2b(encoded, digest_size=16).digest()
            size += len(encoded)
    return {"seconds": time.perf_counter() - began, "bytes": size}


def _stage(name: str, run: Path, raw: list[Path], *overrides: str) -> dict[str, Any]:
    stage = stage_named(name)
    config = params.load(None, ["ingest.format=prompt_completion", *overrides])
    began = time.perf_counter()
    summary = stage.run(config, loop.stage_inputs(stage, run, raw), run / name)
    return {"seconds": time.perf_counter() - began, "metrics": dict(summary.metrics)}


WORK = {"ingest": ingest, "purge": purge, "common": common, "near": near, "floor": floor}

if __name__ == "__main__":
    main()
