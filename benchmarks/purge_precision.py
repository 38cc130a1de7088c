"""Random rows that a rule fired on, to be read: is it right?

    python -m benchmarks.purge_precision RUN_FOLDER --reason truncated_ending --rows 20
    python -m benchmarks.purge_precision RUN_FOLDER            # counts of all reasons

RUN_FOLDER holds the datasets of `ingest` and `purge`. The same seed draws the same rows.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import polars as pl

from entp import store
from entp.conversation import with_text
from entp.progress import console

SHOWN = 400


def main() -> None:
    arguments = _arguments()
    verdicts = store.read(arguments.run / "purge", "verdicts")
    if arguments.reason is None:
        for reason, keep, count in verdicts.group_by("reason", "keep").len().sort("len", descending=True).iter_rows():
            console.print(f"{reason:<32}{'kept' if keep else 'dropped':<9}{count:>8,}", highlight=False)
        return
    fired = verdicts.filter(pl.col("reason") == arguments.reason).sort("id")
    places = random.Random(arguments.seed).sample(range(fired.height), min(arguments.rows, fired.height))
    samples = with_text(store.read(arguments.run / "ingest", "samples")).select("id", "source", "prompt", "response")
    for row in fired[places].join(samples, on="id", how="left", maintain_order="left").iter_rows(named=True):
        console.rule(f"{row['id'][:12]} {row['source']} {row['value']:.3g}")
        console.print(_ends(row["prompt"]), markup=False, highlight=False)
        console.print("->", _ends(row["response"]), markup=False, highlight=False)


def _ends(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN // 2]} [...] {text[-SHOWN // 2 :]}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("run", type=Path, help="run folder with ingest and purge")
    parser.add_argument("--reason", help="whose rows to draw; without it all reasons are counted")
    parser.add_argument("--rows", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
