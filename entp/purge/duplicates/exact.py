"""Exact copies: the same in all turns but for case, white space and character width."""

from __future__ import annotations

import hashlib

import polars as pl

from entp.records import DUPLICATES


def exact_keys(samples: pl.DataFrame) -> pl.Series:
    """A key of 16 bytes for each sample, the same for copies: blake2b of the normalised conversation."""
    turn = pl.element().struct
    content = turn.field("role") + "\0" + turn.field("content")
    turns = pl.col("messages").list
    conversation = turns.eval(content).list.join("\0")
    if _has_extras(samples):
        # Nothing for a plain turn: its key is the same beside others.
        extras = pl.concat_str(turn.field("reasoning"), turn.field("tool_calls"), separator="\0", ignore_nulls=True)
        beside = turns.eval(extras.filter(extras != "")).list.join("\0")
        conversation = conversation + beside + pl.col("tools").fill_null("")
    # ASCII is normal as it is. One space for any white space comes first: to look for runs of it costs four times that.
    wide = pl.when(conversation.str.contains(r"[^\x00-\x7f]")).then(conversation).str.normalize("NFKC")
    spaced = pl.coalesce(wide, conversation).str.to_lowercase().str.replace_all(r"[\t\r\n\u{3000}]", " ")
    normal = spaced.str.replace_all(" {2,}", " ").str.strip_chars().str.replace_all(" ?\0 ?", "\0")
    texts = samples.lazy().select(normal).collect().to_series()
    keys = [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
    return pl.Series("key", keys, dtype=pl.Binary)


def _has_extras(samples: pl.DataFrame) -> bool:
    """Whether any sample has what plain conversations haven't got; few pools do, and the others are spared the work."""
    turns = samples["messages"].explode(empty_as_null=False).struct
    found = [turns.field("reasoning"), turns.field("tool_calls"), samples["tools"]]
    return any(values.null_count() < len(values) for values in found)


def exact_duplicates(keyed: pl.DataFrame) -> pl.DataFrame:
    """DUPLICATES rows of samples with an equal `key`; the longer response survives, else the smaller `id`."""
    ranked = keyed.select("id", "key", "length").sort("length", "id", descending=[True, False])
    return (
        ranked.with_columns(survivor=pl.col("id").first().over("key"), cluster=pl.col("id").min().over("key"))
        .filter(pl.col("id") != pl.col("survivor"))
        .with_columns(jaccard=pl.lit(1.0), cosine=pl.lit(None))
        .select(list(DUPLICATES))
        .cast(DUPLICATES)
        .sort("id")
    )
