"""Shingles: the runs of a few words that a text consists of, as text for people and hashed for the millions."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pyarrow as pa
import xxhash

from entp.records import with_text

Shingles = frozenset[str]

#: Words, single Han or kana characters, and the signs that make a difference in formulas and code.
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+|[-+*/=<>^%&|~#$@\\]")
#: The same for polars, whose \w differs from Python's.
_POLARS_TOKEN = (
    r"[\u{3040}-\u{30ff}\u{3400}-\u{9fff}]|[\p{L}\p{N}_--[\u{3040}-\u{30ff}\u{3400}-\u{9fff}]]+|[-+*/=<>^%&|~#$@\\]"
)
#: Hashes of a prompt's and a response's shingles never meet.
_TAGS = {"prompt": np.uint64(0x8E5D_1A3F_77C2_904B), "response": np.uint64(0x31B7_E60D_92F4_5C8D)}
_BASE = np.uint64(0x9E37_79B9_7F4A_7C15)
_MIX = np.uint64(0xBF58_476D_1CE4_E5B9)
_PAD = np.uint64(0x5851_F42D_4C95_7F2D)


def shingles(text: str, size: int) -> Shingles:
    """The distinct runs of `size` words of a text, in lower case; a shorter text is one shingle."""
    tokens = _TOKEN.findall(text.lower()) or text.lower().split()
    return frozenset(" ".join(tokens[start : start + size]) for start in range(max(1, len(tokens) - size + 1)))


def hashed_shingles(samples: pl.DataFrame, size: int) -> pl.DataFrame:
    """`id`, `length` (the response's characters), and the hashes of the distinct shingles of `prompt` and `response`.

    The same text has the same hashes in every process, version and machine. Two texts differ in their hashes as in
    their shingles but for collisions of 64 bits (one pair of shingles in 10^19).
    """
    texts = with_text(samples)
    return texts.select(
        "id",
        length=pl.col("response").str.len_chars().cast(pl.Int64),
        prompt=_hashes(texts["prompt"], size, _TAGS["prompt"]),
        response=_hashes(texts["response"], size, _TAGS["response"]),
    )


def _hashes(texts: pl.Series, size: int, tag: np.uint64) -> pl.Series:
    """A list of distinct hashes for each text."""
    tokens, counts = _hashed_tokens(texts)
    # A text of fewer words than a shingle is padded to one shingle.
    padded = np.maximum(counts, size)
    starts = np.cumsum(padded) - padded
    flat = np.full(int(padded.sum()), _PAD)
    flat[np.repeat(starts - (np.cumsum(counts) - counts), counts) + np.arange(len(tokens))] = tokens

    rolled = np.zeros(max(len(flat) - size + 1, 0), dtype=np.uint64)
    for offset in range(size):
        rolled = rolled * _BASE + flat[offset : offset + len(rolled)]
    windows = padded - size + 1
    first = np.cumsum(windows) - windows
    hashes = _mixed(rolled[np.repeat(starts - first, windows) + np.arange(int(windows.sum()))] ^ tag)
    offsets = np.concatenate([first, [len(hashes)]])
    lists = pl.Series(pl.from_arrow(pa.LargeListArray.from_arrays(offsets, pa.array(hashes))))
    return lists.list.unique()


def _hashed_tokens(texts: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """The hashes of all tokens of all texts on end, and how many of them each text has."""
    lower = texts.str.to_lowercase()
    tokens = lower.str.extract_all(_POLARS_TOKEN)
    if (tokens.list.len() == 0).any():
        # Signs alone, "!!!" say, are told apart by what stands between white space.
        frame = pl.DataFrame({"lower": lower, "tokens": tokens})
        signs = pl.col("lower").str.extract_all(r"\S+")
        tokens = frame.select(pl.when(pl.col("tokens").list.len() > 0).then("tokens").otherwise(signs)).to_series()
    flat = tokens.explode(empty_as_null=False)
    words = pa.chunked_array([flat.to_arrow()]).combine_chunks().dictionary_encode()
    vocabulary = words.dictionary.to_pylist()
    known = [xxhash.xxh3_64_intdigest(word.encode("utf-8", "surrogatepass")) for word in vocabulary]
    hashes = np.array(known, dtype=np.uint64)[words.indices.to_numpy(zero_copy_only=False)]
    return hashes, tokens.list.len().to_numpy().astype(np.int64)


def _mixed(hashes: np.ndarray) -> np.ndarray:
    """Every bit depends on every other: high bits address tables."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * _MIX
    return hashes ^ (hashes >> np.uint64(27))
