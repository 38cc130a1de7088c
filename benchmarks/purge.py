"""Rows a second and memory of the purge, beside what one would take instead, and beside the bare reading of the text.

    python -m benchmarks.purge --sizes 30000 100000 300000

Pools are real rows, then perturbed copies (`benchmarks/purge_pool.py`). `common` is ours with the operators that
py-data-juicer has too (four mappers, eight filters, near-duplicates), `purge` everything: all rules, personal data,
leaks, exact and verified near-duplicates. `near` is near-duplicates alone: the same shingles, the same verified
clusters. Rivals run in their own environments (scripts/install-purge-rivals.sh); a rival is left out at a size where it
would take more than `--patience`. semhash is left out: its model has to be fetched from a hub.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from benchmarks import results
from benchmarks.datasketch_loop import clusters
from benchmarks.purge_pool import write_pool
from benchmarks.watched import watched
from entp import store
from entp.progress import console

ROOT = Path(__file__).parent.parent
#: py-data-juicer's rows a second that ours has to be a multiple of, on the same rows.
TARGET = 10.0
RIVALS = ("data_juicer", "datasketch", "rensa", "datatrove")
SIZES = (30_000, 100_000, 300_000)
PACKAGES = ("entp", "polars", "datasketch", "joblib", "numpy", "scipy")
MB = 1e6


def main() -> None:
    arguments = _arguments()
    tables: list[dict[str, Any]] = []
    too_slow: dict[str, float] = {}
    for size in arguments.sizes:
        tables.append(measured(size, arguments.work, arguments.rivals, too_slow, arguments.patience))
        console.print(json.dumps(tables[-1]), highlight=False)
    found = comparison(tables)
    results.write(found, arguments.output)
    console.print(f"ratio {found['ratio']:.1f} (target {found['target']}); {arguments.output}")


def measured(
    size: int, work: Path, rivals: Sequence[str], too_slow: dict[str, float], patience: float
) -> dict[str, Any]:
    """All figures of one size: seconds and peak memory of each side, and how their clusters differ."""
    pool, run = work / f"{size}.jsonl", work / f"run-{size}"
    if not pool.is_file():
        write_pool(size, pool)
    steps = {name: _ours(name, run, pool) for name in ("ingest", "floor", "common", "purge", "near")}
    copies = steps["near"]["said"].pop("copies")
    row: dict[str, Any] = {"rows": size, "megabytes": steps["floor"]["said"]["bytes"] / MB}
    row |= {name: _figures(step, size) for name, step in steps.items()}
    counted = steps["purge"]["said"]["metrics"]
    row["purge"]["metrics"] = {name: counted[name] for name in ("kept", "dropped", "duplicates", "repaired")}
    # What one ingests twice is no pair for us: the rivals see both.
    for rival in rivals:
        if too_slow.get(rival, 0.0) * size > patience:
            row[rival] = {"left_out": f"would take {too_slow[rival] * size:,.0f} s"}
            continue
        with TemporaryDirectory() as scratch:
            step = watched([*_driver(rival), str(pool), scratch])
        row[rival] = _figures({"said": step.said, "peak_mib": step.peak_mib}, size)
        too_slow[rival] = step.said["seconds"] / size
        if "pairs" in step.said:
            row[rival] |= agreement(pool, run, copies, step.said["pairs"])
    return row


def agreement(pool: Path, run: Path, copies: Sequence[Sequence[str]], pairs: Sequence[Sequence[int]]) -> dict[str, int]:
    """How many clusters and copies each side finds, and how many of the rival's clusters lie in one of ours.

    Rows read twice are one.
    """
    ids = _ids(pool, run)
    joined = {(min(pair), max(pair)) for pair in ((ids[one], ids[other]) for one, other in pairs) if pair[0] != pair[1]}
    names = sorted({name for pair in joined for name in pair})
    number = {name: place for place, name in enumerate(names)}
    theirs = clusters(len(names), {(number[one], number[other]) for one, other in joined})
    rival = {frozenset(names[place] for place in members) for members in theirs}
    of_copy = {copy: cluster for copy, _, cluster in copies}
    # Not every row of a cluster of ours is told: one that stays beside the best has no row of its own.
    inside = sum(1 for members in rival if len({of_copy[name] for name in members if name in of_copy}) == 1)
    return {
        "clusters_ours": len(set(of_copy.values())),
        "clusters_rival": len(rival),
        "clusters_rival_inside_ours": inside,
        "copies_ours": len(of_copy),
        "copies_rival": len(names) - len(rival),
    }


def comparison(tables: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The result: rows a second, ours at the largest size, py-data-juicer's at the largest that it did."""
    both = [row for row in tables if "seconds" in row.get("data_juicer", {})]
    chosen = both[-1] if both else tables[-1]
    largest = tables[-1]
    rival = chosen.get("data_juicer", {}).get("rows_per_second", math.nan)
    details = {
        "ratio_everything": largest["purge"]["rows_per_second"] / rival,
        "sizes": list(tables),
        "growth_exponent": growth(tables),
        "multiple_of_floor": largest["purge"]["seconds"] / largest["floor"]["seconds"],
    }
    return results.result(
        "purge",
        "rows/s",
        results.Side("the operators both have", [largest["common"]["rows_per_second"]]),
        results.Side("py-data-juicer, 4 mappers, 8 filters, MinHash", [rival]),
        PACKAGES,
        details,
        TARGET,
    )


def growth(tables: Sequence[dict[str, Any]]) -> float | None:
    """The exponent of the purge's time in the number of rows, between the smallest and the largest size."""
    first, last = tables[0], tables[-1]
    if first["rows"] == last["rows"]:
        return None
    return math.log(last["purge"]["seconds"] / first["purge"]["seconds"]) / math.log(last["rows"] / first["rows"])


def _ours(name: str, run: Path, pool: Path) -> dict[str, Any]:
    step = watched([sys.executable, "-m", "benchmarks.purge_ours", name, str(run), str(pool)])
    return {"said": step.said, "peak_mib": step.peak_mib}


def _figures(step: dict[str, Any], size: int) -> dict[str, Any]:
    seconds = step["said"]["seconds"]
    return {"seconds": seconds, "rows_per_second": size / seconds, "peak_mib": step["peak_mib"]}


def _driver(rival: str) -> list[str]:
    if rival == "datasketch":
        return [sys.executable, "-m", "benchmarks.purge_rivals.datasketch_driver"]
    python = ROOT / ".venv-rivals" / rival / "bin" / "python"
    return [str(python), str(ROOT / "benchmarks" / "purge_rivals" / f"{rival}_driver.py")]


def _ids(pool: Path, run: Path) -> list[str]:
    """The id of every row of the pool, in its order; rows read twice have the same one."""
    samples = store.read(run / "ingest", "samples")
    repeats = store.read(run / "ingest", "repeats")
    place = pl.col("meta").str.json_path_match("$.row").cast(pl.Int64)
    both = pl.concat([samples.select("id", row=place), repeats.select("id", row=place)]).sort("row")
    with pool.open("rb") as handle:
        rows = sum(1 for _ in handle)
    by_row = dict(zip(both["row"].to_list(), both["id"].to_list(), strict=True))
    return [by_row.get(row, f"row {row}") for row in range(1, rows + 1)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="rows of the pools")
    parser.add_argument("--rivals", nargs="*", default=list(RIVALS), choices=RIVALS, help="who to compare with")
    parser.add_argument("--patience", type=float, default=240.0, help="seconds a rival may take at a size")
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "bench-purge", help="folder for pools and runs")
    parser.add_argument("--output", type=Path, default=results.FOLDER / "purge.json", help="file for the result")
    return parser.parse_args()


if __name__ == "__main__":
    main()
