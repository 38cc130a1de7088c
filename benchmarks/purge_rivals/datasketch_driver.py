"""datasketch: the loop of `benchmarks/datasketch_loop.py`, in our own environment."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks.datasketch_loop import similar_pairs


def main() -> None:
    with Path(sys.argv[1]).open(encoding="utf-8") as handle:
        rows = [json.loads(line) for line in handle]
    began = time.perf_counter()
    pairs = similar_pairs([(row["prompt"], row["response"]) for row in rows], 0.8)
    print(json.dumps({"seconds": time.perf_counter() - began, "pairs": sorted(pairs)}))


if __name__ == "__main__":
    main()
