"""Shingles: the runs of a few words that a text consists of, as text for people and hashed for the millions."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import polars as pl
import pyarrow as pa

from entp.conversation import with_text
from entp.text.tokens import Tokens, lower_tokens, mix, shingle_hashes

Shingles = frozenset[str]

#: Words, single Han or kana characters, and the signs that make a difference in formulas and code.
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+|[-+*/=<>^%&|~#$@_\\]")
#: Hashes of a prompt's and a response's shingles never meet.
_TAGS = {"prompt": np.uint64(0x8E5D_1A3F_77C2_904B), "response": np.uint64(0x31B7_E60D_92F4_5C8D)}


def shingles(text: str, size: int) -> Shingles:
    """The distinct runs of `size` words of a text, in lower case; a shorter text is one shingle."""
    tokens = _TOKEN.findall(text.lower()) or text.lower().split()
    return frozenset(" ".join(tokens[start : start + size]) for start in range(max(1, len(tokens) - size + 1)))


def hashed_shingles(samples: pl.DataFrame, size: int) -> pl.DataFrame:
    """`shingle_lists` of SAMPLES."""
    texts = with_text(samples)
    return shingle_lists(texts, lower_tokens(texts["prompt"]), lower_tokens(texts["response"]), size)


def shingle_lists(texts: pl.DataFrame, prompts: Tokens, responses: Tokens, size: int) -> pl.DataFrame:
    """`id`, `length` (the response's characters), and the hashes of the distinct shingles of `prompt` and `response`.

    `texts` has the columns of `with_text`, the tokens are of its texts in lower case. The same text has the same hashes
    in every process, version and machine. Two texts differ in their hashes as in their shingles but for collisions of
    64 bits (one pair of shingles in 10^19). Under another system turn, or with other tools, the same text has others.
    """
    setting = _settings(texts)
    return texts.select(
        "id",
        length=pl.col("response").str.len_chars().cast(pl.Int64),
        prompt=_hashes(prompts, size, _TAGS["prompt"], setting),
        response=_hashes(responses, size, _TAGS["response"], setting),
    )


def _settings(texts: pl.DataFrame) -> np.ndarray:
    """A number for what a conversation is held under, 0 for nothing: its system turn, in lower case, and its tools."""
    parts = texts.select(pl.col("system").str.to_lowercase().str.strip_chars(), pl.col("tools").fill_null("")).rows()
    return np.array([_number("\0".join(part)) if any(part) else 0 for part in parts], dtype=np.uint64)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _hashes(found: Tokens, size: int, tag: np.uint64, setting: np.ndarray) -> pl.Series:
    """A list of distinct hashes for each text."""
    runs, per_text = shingle_hashes(found, size)
    offsets = np.concatenate([[0], np.cumsum(per_text)])
    tags = np.repeat(setting, per_text) ^ tag if setting.any() else tag
    lists = pl.Series(pl.from_arrow(pa.LargeListArray.from_arrays(offsets, pa.array(mix(runs ^ tags)))))
    return lists.list.unique()
