"""The low-quality samples, as the parts of pairing see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from entp import store
from entp.conversation import with_text
from entp.errors import DataError
from entp.stages import Inputs


@dataclass(frozen=True)
class Pool:
    """Row i of every field is the same sample; rows are sorted by id, so nothing depends on the order of the input.

    `vectors` [n, d] are unit-length; `texts` are prompt and response; `instructions` what the user said last, in a
    conversation of that many user `turns`. What `calls_tools` has no partner: a writer cannot call them.
    """

    ids: Sequence[str]
    languages: Sequence[str]
    texts: Sequence[str]
    prompts: Sequence[str]
    instructions: Sequence[str]
    turns: Sequence[int]
    calls_tools: np.ndarray
    vectors: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


def read_pool(inputs: Inputs) -> Pool:
    """The samples of tier LQ with their embeddings. Raises DataError for fewer than two."""
    scores = store.read(inputs["curate"], "scores")
    tier = scores.filter(tier="LQ").select("id").sort("id")
    if tier.height < 2:
        raise DataError(
            f"pair: {tier.height} of {scores.height} samples are low quality, two make a pair; give more data, raise "
            "curate.low_quality_to or lower curate.min_confidence"
        )
    from_user = pl.element().filter(pl.element().struct.field("role") == "user").struct.field("content")
    said = pl.col("messages").list.eval(from_user)
    turn = pl.element().struct
    calls = turn.field("tool_calls").is_not_null() | (turn.field("role") == "tool")
    samples = with_text(store.read(inputs["purge"], "samples")).with_columns(
        text=pl.concat_str("prompt", "response", separator="\n"),
        instruction=said.list.last().fill_null(""),
        turns=said.list.len(),
        calls_tools=pl.col("messages").list.eval(calls).list.any(),
    )
    embeddings = store.read(inputs["curate"], "embeddings")
    rows = tier.join(samples, on="id", maintain_order="left").join(embeddings, on="id", maintain_order="left")
    return Pool(
        ids=rows["id"].to_list(),
        languages=rows["language"].to_list(),
        texts=rows["text"].to_list(),
        prompts=rows["prompt"].to_list(),
        instructions=rows["instruction"].to_list(),
        turns=rows["turns"].to_list(),
        calls_tools=rows["calls_tools"].to_numpy(),
        vectors=rows["vector"].list.to_array(rows["vector"][0].len()).to_numpy(),
    )
