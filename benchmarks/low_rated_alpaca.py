"""Alpaca rows that raters dislike, as a pool for measurements of quality.

    python -m benchmarks.low_rated_alpaca ENTP_TEST_DATA --rows 800 --output low_rated.jsonl

Rows that gpt-4o-mini and at least one of two other published raters rate 2 or less out of 5 (29,214 of 52,002), drawn
with a fixed seed. The rows are not for commercial use; none is kept in this repository.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import polars as pl

LOW = 2
SEED = 0
RATERS = ("ds2_llama31_8b", "ds2_mistral_7b_v03", "ds2_gpt4o_mini")
DEMANDED = "ds2_gpt4o_mini"


def low_rated(data: Path, rows: int) -> pl.DataFrame:
    """`instruction`, `input`, `output` of so many low-rated rows. `data` holds `pools/` and `ratings/`."""
    alpaca = pl.read_parquet(data / "pools" / "alpaca_original_52k.parquet")
    ratings = pl.read_parquet(data / "ratings" / "alpaca_52k_ratings.parquet")
    low = pl.sum_horizontal([(pl.col(rater) <= LOW).cast(pl.Int64) for rater in RATERS])
    disliked = alpaca.join(ratings, on="alpaca_idx").filter((low >= 2) & (pl.col(DEMANDED) <= LOW))
    return disliked.sample(rows, seed=SEED, shuffle=True).select("instruction", "input", "output")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path, help="folder of the public data (ENTP_TEST_DATA)")
    parser.add_argument("--rows", type=int, default=800, help="rows to draw")
    parser.add_argument("--output", type=Path, default=Path("low_rated.jsonl"), help="file to write")
    arguments = parser.parse_args()
    low_rated(arguments.data, arguments.rows).write_ndjson(arguments.output)


if __name__ == "__main__":
    main()
