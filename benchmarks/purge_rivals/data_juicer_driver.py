"""py-data-juicer: four mappers, eight filters and MinHash of five-word shingles, its own operators throughout."""

import json
import sys
import time
from pathlib import Path

import yaml
from data_juicer.config import init_configs
from data_juicer.core import DefaultExecutor

PROCESS = [
    {"fix_unicode_mapper": {}},
    {"whitespace_normalization_mapper": {}},
    {"clean_email_mapper": {}},
    {"clean_ip_mapper": {}},
    {"alphanumeric_filter": {"tokenization": False, "min_ratio": 0.25}},
    {"average_line_length_filter": {}},
    {"character_repetition_filter": {"rep_len": 10, "max_ratio": 0.5}},
    {"maximum_line_length_filter": {}},
    {"special_characters_filter": {}},
    {"text_length_filter": {}},
    {"word_repetition_filter": {"lang": "en", "tokenization": False, "rep_len": 5, "max_ratio": 0.5}},
    {"words_num_filter": {"lang": "en", "tokenization": False}},
    {
        "document_minhash_deduplicator": {
            "tokenization": "space",
            "window_size": 5,
            "num_permutations": 128,
            "jaccard_threshold": 0.8,
        }
    },
]


def main() -> None:
    pool, scratch = sys.argv[1], Path(sys.argv[2])
    settings = {
        "dataset_path": pool,
        "export_path": str(scratch / "kept.jsonl"),
        "work_dir": str(scratch),
        "np": 2,
        "text_keys": "text",
        "use_cache": False,
        "process": PROCESS,
    }
    path = scratch / "config.yaml"
    path.write_text(yaml.safe_dump(settings))
    executor = DefaultExecutor(init_configs(["--config", str(path)]))
    began = time.perf_counter()
    executor.run()
    print(json.dumps({"seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
