"""The dataset card: what is in the folder, where it came from, and what may be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl
import yaml

from entp.assemble.blend import ORIGINS, rows_per_source
from entp.text.language import UNKNOWN

#: Upper ends of the Hugging Face size categories.
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))

INTRODUCTION = """# Training set made by text purge and mix

Instruction-response pairs for supervised fine-tuning, made by `entp` (neural-symbolic text purge-mix). Low-quality
samples were purged of noise, rated, paired by meaning and fused two to one; high-quality samples were added.
"""

ORIGIN_MEANINGS = {
    "fusion": "two low-quality samples fused by a language model into one new sample that passed every check",
    "rewrite": "a pair that could not be fused, of which the better sample was rewritten by the language model",
    "hq": "a sample of the pool that was rated high quality, as the purge left it",
}

FIELDS = """## Fields

- `messages`: the conversation, a list of `role` and `content` (the format of TRL and Hugging Face chat templates), and
  where a turn has them, `reasoning_content`, `tool_calls`, `tool_call_id`, `name`, and `weight` 0 for an answer that is
  not to be learnt from (in Parquet, `tool_calls` and `tools` are JSON text)
- `tools`: the tools that may be called, where there are any
- `id`: the pair's id for a fusion or rewrite, the sample's id otherwise
- `origin`: `fusion`, `rewrite` or `hq`, as above
- `source`: where the parents came from
- `parents`: ids of the samples the row was made of
"""

LICENCE = """## Licence

Each row keeps the licence of the data it came from, and a fused row that of both its parents: look it up by `source`
and `parents`. Text written by a language model also falls under that model's terms. The set as a whole has no licence
of its own.
"""


def dataset_card(splits: Mapping[str, pl.DataFrame], parents: Mapping[str, str], files: Mapping[str, str]) -> str:
    """README.md in the Hugging Face layout.

    `splits` are CANDIDATES tables by name, `parents` content digests of the stages read, `files` sha256 by file name.
    """
    rows = pl.concat(splits.values())
    counts = {name: table.height for name, table in splits.items()}
    sections = [
        f"---\n{_front_matter(rows, list(splits))}---\n",
        INTRODUCTION,
        _table("Split", counts),
        "## Origin\n\n" + _table("Origin", _counts(rows, "origin", ORIGINS), ORIGIN_MEANINGS),
        "## Sources\n\nA fusion counts half for each of its parents' sources.\n\n" + _table("Source", _sources(rows)),
        "## Languages\n\n" + _table("Language", _counts(rows, "language", sorted(rows["language"].unique()))),
        FIELDS,
        "## Lineage\n\nContent digests of the datasets this one was made from, and of its own files.\n\n"
        + _digests("Made from", parents)
        + "\n"
        + _digests("File", files),
        LICENCE,
    ]
    return "\n".join(sections)


def _front_matter(rows: pl.DataFrame, splits: Sequence[str]) -> str:
    languages = sorted(code for code in rows["language"].unique() if code != UNKNOWN)
    fields = {
        "license": "other",
        "license_name": "per-row",
        "language": languages,
        "task_categories": ["text-generation"],
        "tags": ["sft", "synthetic", "entp"],
        "size_categories": [next((name for size, name in SIZES if rows.height < size), "n>1M")],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": f"{split}.parquet"} for split in splits],
            }
        ],
    }
    return yaml.safe_dump(fields, sort_keys=False, allow_unicode=True)


def _counts(rows: pl.DataFrame, column: str, names: Sequence[str]) -> dict[str, int]:
    return {name: rows.filter(pl.col(column) == name).height for name in names}


def _sources(rows: pl.DataFrame) -> dict[str, float]:
    return {f"`{name}`".replace("|", "\\|"): count for name, count in rows_per_source(rows).items()}


def _table(head: str, counts: Mapping[str, float], meanings: Mapping[str, str] | None = None) -> str:
    lines = [f"| {head} | Rows |", "|---|---:|"]
    if meanings:
        lines = [f"| {head} | Rows | Meaning |", "|---|---:|---|"]
    lines += [
        f"| {name} | {count:g} |" + (f" {meanings[name]} |" if meanings else "") for name, count in counts.items()
    ]
    return "\n".join(lines) + "\n"


def _digests(head: str, digests: Mapping[str, str]) -> str:
    lines = [f"| {head} | Digest |", "|---|---|"]
    return "\n".join(lines + [f"| {name} | `{digest}` |" for name, digest in digests.items()]) + "\n"
