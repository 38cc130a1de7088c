"""Ten thousand rows that nobody should send: none crashes the purge, hangs it, or gets lost on the way."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

from entp import accounting, loop, params

ROWS = 10_000

#: Texts that a rule, a recogniser or a repair with a backtracking pattern would take hours over.
BOMBS = (
    "a" * 20_000 + "!",
    "(" * 5_000 + "[" * 5_000,
    "&amp;" * 4_000,
    "&" * 20_000,
    "1. " * 5_000,
    "\n" * 20_000,
    "\n \t" * 5_000,
    "`" * 10_000,
    "a@" * 8_000 + "a",
    "a.b-" * 5_000 + "@" + "a-" * 5_000,
    "1" * 20_000,
    "1 " * 10_000,
    "1-2." * 5_000,
    "+(1" * 5_000,
    "2001:db8:" * 2_000,
    "DE21 5005 " * 2_000,
    "。，" * 8_000,
    "“" * 10_000,
    "中 " * 8_000,
    "<" * 10_000,
    "<a " * 5_000,
    "</p" * 5_000,
    "https://" * 3_000,
    "\\n" * 8_000,
    "|" * 10_000,
    "the " * 5_000,
    "\u200b" * 10_000,
    "\u0301" * 10_000,
    "👩\u200d👩\u200d👧" * 3_000,
    "### Instruction:\n" * 1_000,
    "<|im_end|>" * 1_000,
    "Ã©" * 8_000,
    "ï¿½" * 5_000,
    "\x00" * 10_000,
    "\u202e" * 5_000 + "abc",
    "\ue000" * 5_000,
)


def as_line(instruction: object, output: object) -> bytes:
    return json.dumps({"instruction": instruction, "input": "", "output": output}).encode()


def noise(chance: random.Random, length: int) -> str:
    return "".join(chr(chance.choice([chance.randrange(32, 127), chance.randrange(0x110000)])) for _ in range(length))


def bomb(chance: random.Random) -> bytes:
    text = chance.choice(BOMBS)[: chance.randrange(1, 20_000)]
    return as_line(f"Question {chance.random()}?", text) if chance.random() < 0.5 else as_line(text, "An answer.")


def binary(chance: random.Random) -> bytes:
    return chance.randbytes(chance.randrange(1, 300)).replace(b"\n", b"").replace(b"\r", b"") or b"\xff"


def surrogates(chance: random.Random) -> bytes:
    return as_line(f"Q {chance.random()}", "".join(chr(chance.randrange(0xD800, 0xE000)) for _ in range(9)))


def nested(chance: random.Random) -> bytes:
    depth = chance.randrange(2, 40_000)
    return b'{"instruction": ' + b"[" * depth + b"]" * depth + b', "output": "x"}'


def wrong_types(chance: random.Random) -> bytes:
    values: tuple[object, ...] = (None, 7, 1e308, True, [], {}, [[]], {"a": {"b": [1]}}, "", " ", "\x00")
    return as_line(chance.choice(values), chance.choice(values))


def broken_json(chance: random.Random) -> bytes:
    line = as_line("Name a city.", "Paris, which lies on the Seine.")
    return line[: chance.randrange(1, len(line))]


def huge(chance: random.Random) -> bytes:
    return as_line("Say it again.", noise(chance, 40).encode("utf-8", "ignore").decode() * 5_000)


def random_text(chance: random.Random) -> bytes:
    return as_line(noise(chance, 30), noise(chance, chance.randrange(200)))


def honest(chance: random.Random) -> bytes:
    return as_line(f"What is {chance.randrange(10**9)} plus one?", "The number after it, which is easy to tell.")


KINDS: dict[Callable[[random.Random], bytes], int] = {
    bomb: 10,
    binary: 20,
    surrogates: 10,
    nested: 2,
    wrong_types: 15,
    broken_json: 15,
    huge: 1,
    random_text: 20,
    honest: 20,
}


def test_ten_thousand_hostile_rows_all_have_a_fate(tmp_path: Path):
    chance = random.Random(7)
    kinds = chance.choices(list(KINDS), weights=list(KINDS.values()), k=ROWS)
    pool = tmp_path / "pool.jsonl"
    pool.write_bytes(b"\n".join([honest(chance), *(kind(chance) for kind in kinds)]) + b"\n")
    config = params.load(None, ["ingest.min_kept_ratio=0", "purge.min_kept_ratio=0", "purge.languages=[]"])

    loop.run_loop(config, [pool], tmp_path / "run", lambda _: None, lambda _: None, until="purge")

    accounting.check(tmp_path / "run")
    fates = accounting.fates(tmp_path / "run")["fate"].value_counts()
    counts = dict(fates.iter_rows())
    assert sum(counts.values()) == ROWS + 1
    assert all(counts[fate] > 500 for fate in ("quarantined", "purged", "waiting"))
