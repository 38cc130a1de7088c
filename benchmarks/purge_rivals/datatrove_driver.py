"""datatrove: its MinHash pipeline (signatures, buckets, clusters, filter) over five words; candidates unverified."""

import json
import shutil
import sys
import time
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
)
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers.jsonl import JsonlWriter
from datatrove.utils.hashing import HashConfig

#: 117 permutations, as near 128 as whole bands allow; half of the pairs at Jaccard 0.84 are found.
CONFIG = MinhashConfig(hash_config=HashConfig(precision=64), n_grams=5, num_buckets=9, hashes_per_bucket=13)


def main() -> None:
    pool, scratch = Path(sys.argv[1]), Path(sys.argv[2])
    (scratch / "in").mkdir()
    shutil.copy(pool, scratch / "in" / "pool.jsonl")
    reader = JsonlReader(str(scratch / "in"), text_key="text")
    steps = [
        ([reader, MinhashDedupSignature(str(scratch / "signatures"), CONFIG, language="eng")], 1),
        ([MinhashDedupBuckets(str(scratch / "signatures"), str(scratch / "buckets"), config=CONFIG)], 9),
        ([MinhashDedupCluster(str(scratch / "buckets"), str(scratch / "remove"), config=CONFIG)], 1),
        ([reader, MinhashDedupFilter(str(scratch / "remove")), JsonlWriter(str(scratch / "kept"))], 1),
    ]
    began = time.perf_counter()
    for number, (pipeline, tasks) in enumerate(steps):
        workers = min(2, tasks)
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=workers, logging_dir=str(scratch / f"log{number}")).run()
    print(json.dumps({"seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
