"""Keep one copy of each sample.

The survivor of two copies is the one with the longer response, else the one with the smaller id. Samples are visited
in that order, and each is compared with the survivors so far; so every sample dropped is a verified copy of the
survivor it names (no chains of ever less similar samples), and the result does not depend on the order of rows.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import polars as pl

from entp.progress import Advance
from entp.records import DUPLICATES, with_text

#: Chance of looking at a pair whose similarity is just the threshold.
RECALL = 0.99
#: Words, single Han or kana characters, and the signs that make a difference in formulas and code.
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+|[-+*/=<>^%&|~#$@\\]")

Shingles = frozenset[str]


def exact_duplicates(samples: pl.DataFrame) -> pl.DataFrame:
    """DUPLICATES rows of samples equal to another in all turns, but for case, white space and character width."""
    content = pl.element().struct.field("role") + "\0" + pl.element().struct.field("content")
    conversation = pl.col("messages").list.eval(content).list.join("\0")
    normal = conversation.str.normalize("NFKC").str.to_lowercase().str.replace_all(r"[ \t\r\n\u{3000}]+", " ")
    ranked = _by_rank(samples).select("id", key=normal.str.strip_chars().str.replace_all(" ?\0 ?", "\0"))
    survivor = pl.col("id").first().over("key").alias("survivor")
    return (
        ranked.with_columns(survivor)
        .filter(pl.col("id") != pl.col("survivor"))
        .select("id", "survivor", jaccard=pl.lit(1.0))
        .cast(DUPLICATES)
    )


def near_duplicates(
    samples: pl.DataFrame, threshold: float, shingle_words: int, permutations: int, advance: Advance
) -> pl.DataFrame:
    """DUPLICATES rows of samples whose `similarity` to a survivor is `threshold` or more.

    MinHash LSH proposes the survivors to look at; `similarity` is always computed from the shingles themselves.
    """
    from datasketch import MinHashLSH

    ranked = _by_rank(samples)
    ids, prompts, responses = (ranked[name].to_list() for name in ("id", "prompt", "response"))

    # A template's many copies come one after the other, and meet the same few survivors.
    @lru_cache(maxsize=10_000)
    def prompt_of(row: int) -> Shingles:
        return shingles(prompts[row], shingle_words)

    @lru_cache(maxsize=10_000)
    def response_of(row: int) -> Shingles:
        return shingles(responses[row], shingle_words)

    index = MinHashLSH(num_perm=permutations, params=banding(threshold, permutations))
    sketch = _sketcher(permutations)
    found: list[tuple[str, str, float]] = []
    for row in range(len(ids)):
        prompt, response = prompt_of(row), response_of(row)
        signature = sketch(prompt, response)
        best, survivor = -1.0, ""
        for other in sorted(index.query(signature)):
            # The responses first: they are short, and rule out most samples that only share a template.
            if jaccard(response, response_of(other)) < threshold:
                continue
            closeness = similarity((prompt, response), (prompt_of(other), response_of(other)))
            if closeness > best:
                best, survivor = closeness, ids[other]
        if best >= threshold:
            found.append((ids[row], survivor, best))
        else:
            index.insert(row, signature)
        advance()
    return pl.DataFrame(found, schema=DUPLICATES, orient="row")


def similarity(one: tuple[Shingles, Shingles], other: tuple[Shingles, Shingles]) -> float:
    """Jaccard of two (prompt, response) shingle pairs: of the whole, or of the responses where that is lower.

    The second half keeps apart two questions about the same long passage, whose prompts are nearly equal. A response
    of a single shingle ("Paris", "negative") is evidence of nothing: then the prompts have to be the same in all.
    """
    common = [len(mine & theirs) for mine, theirs in zip(one, other, strict=True)]
    joined = [len(mine | theirs) for mine, theirs in zip(one, other, strict=True)]
    if len(one[1]) == 1 and one[0] != other[0]:
        return 0.0
    return min(sum(common) / sum(joined), common[1] / joined[1])


def jaccard(mine: Shingles, theirs: Shingles) -> float:
    """Shared over joined shingles (0..1)."""
    return len(mine & theirs) / len(mine | theirs)


def shingles(text: str, size: int) -> Shingles:
    """The distinct runs of `size` words of a text, in lower case; a shorter text is one shingle."""
    tokens = _TOKEN.findall(text.lower()) or text.split()
    return frozenset(" ".join(tokens[start : start + size]) for start in range(max(1, len(tokens) - size + 1)))


def banding(threshold: float, permutations: int) -> tuple[int, int]:
    """Bands and rows per band: the fewest false candidates at which a pair at the threshold is found with RECALL."""
    for rows in range(permutations, 1, -1):
        bands = permutations // rows
        if 1 - (1 - threshold**rows) ** bands >= RECALL:
            return bands, rows
    return permutations, 1


def _sketcher(permutations: int) -> Callable[[Shingles, Shingles], Any]:
    """A function from a sample's shingles to its MinHash; prompt and response shingles never meet."""
    from datasketch import MinHash

    empty = MinHash(num_perm=permutations, hashfunc=zlib.crc32)

    def sketch(prompt: Shingles, response: Shingles) -> Any:
        signature = empty.copy()
        signature.update_batch([b"P" + shingle.encode("utf-8", "surrogatepass") for shingle in prompt])
        signature.update_batch([b"R" + shingle.encode("utf-8", "surrogatepass") for shingle in response])
        return signature

    return sketch


def _by_rank(samples: pl.DataFrame) -> pl.DataFrame:
    """With `prompt` and `response`, likeliest survivor first."""
    length = pl.col("response").str.len_chars()
    return with_text(samples).sort(length, "id", descending=[True, False])
