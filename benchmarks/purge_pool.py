"""Pools of any size for the purge's benchmark: real rows first, then perturbed copies of them.

One copy in fifty keeps nearly all of its words and is a near-duplicate, as one row in a hundred or so is in the real
pools; the others have a third of their words replaced by words of other rows, and are samples of their own.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import polars as pl

OWN_POOL = Path(__file__).parent.parent / "examples" / "pool"
#: Of the public pools, in this order.
REAL = ("alpaca_original_52k", "gpteacher", "flan_v2_cot", "alpaca_zh_mt_20k", "zh_hikariming_extra", "sft_pool_small")
NEAR_SHARE, NEAR_EDITS, FAR_EDITS = 0.02, 0.02, 0.35

Row = tuple[str, str, str]


def write_pool(rows: int, path: Path) -> None:
    """`rows` rows as JSON Lines: `source`, `prompt`, `response`, and `text`, which is both; always the same file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as handle:
        for source, prompt, response in pool(rows):
            row = {"source": source, "prompt": prompt, "response": response, "text": f"{prompt}\n{response}"}
            handle.write(json.dumps(row, ensure_ascii=False) + "\n")


def pool(rows: int) -> Iterator[Row]:
    """Real rows as far as they go, then perturbed copies."""
    chance = random.Random(7)
    real = [row for row in _real_rows() if row[1].strip() and row[2].strip()]
    chance.shuffle(real)
    yield from real[:rows]
    vocabulary = [word for _, _, response in real[:2_000] for word in response.split()]
    for number in range(max(0, rows - len(real))):
        source, prompt, response = real[number % len(real)]
        share = NEAR_EDITS if chance.random() < NEAR_SHARE else FAR_EDITS
        yield source, _edited(prompt, share, vocabulary, chance), _edited(response, share, vocabulary, chance)


def _edited(text: str, share: float, vocabulary: list[str], chance: random.Random) -> str:
    """The text with this share of its words replaced; a text without spaces loses and gains characters."""
    words = text.split(" ")
    if len(words) < 4:
        return "".join(chance.choice(text) if chance.random() < share else character for character in text)
    return " ".join(chance.choice(vocabulary) if chance.random() < share else word for word in words)


def _real_rows() -> Iterator[Row]:
    folder = os.environ.get("ENTP_TEST_DATA")
    if not folder:
        from entp.ingest.files import find_files
        from entp.ingest.readers import read_rows

        for file in find_files({"pool": OWN_POOL}).files:
            with file.path.open("rb") as handle:
                for row in read_rows(file, handle):
                    fields = row.fields or {}
                    if isinstance(fields.get("instruction"), str) and isinstance(fields.get("output"), str):
                        yield file.name, fields["instruction"], fields["output"]
        return
    for name in REAL:
        table = pl.read_parquet(Path(folder) / "pools" / f"{name}.parquet")
        if "instruction" in table.columns:
            filled = table.select(pl.col("instruction", "input", "output").fill_null(""))
            for instruction, given, output in filled.iter_rows():
                yield name, f"{instruction}\n\n{given}".strip(), output
        else:
            for question, rationale, answer in table.select("question", "rationale", "answer").iter_rows():
                yield name, question, f"{rationale}\n{answer}"
