"""Apply repairs to every turn, again and again until nothing changes, and say which turns they changed."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from entp.purge.rule import Rule
from entp.records import MESSAGES

#: Each repair removes or replaces what it looks for, so a fixed point comes after two or three rounds; texts
#: nested deeper than this are left as they are by then.
MAX_ROUNDS = 50
#: What a round of repairs reports: `value` is the number of the sample's turns that the repair rewrote.
REPAIRS = pl.Schema({"id": pl.String, "reason": pl.String, "value": pl.Float64})


def repair(samples: pl.DataFrame, repairs: Sequence[Rule]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The samples with mended messages, in the same order; one REPAIRS row per sample and repair that changed it."""
    if not repairs or samples.is_empty():
        return samples, REPAIRS.to_frame()
    turns = _turns(samples)
    damaged = turns.filter(pl.any_horizontal(_rewritten(rule).ne(pl.col("content")) for rule in repairs))
    mended, log = _to_fixed_point(damaged, repairs)
    whole = turns.update(mended.select("turn", "content"), on="turn")
    messages = (
        whole.group_by("position", maintain_order=True)
        .agg(messages=pl.struct("role", "content"))
        .get_column("messages")
        .cast(MESSAGES)
    )
    value = pl.col("turn").n_unique().cast(pl.Float64).alias("value")
    return samples.with_columns(messages=messages), log.group_by("id", "reason").agg(value).sort("id", "reason")


def _turns(samples: pl.DataFrame) -> pl.DataFrame:
    """One row per turn: `turn` and `position` number the turns and the samples."""
    return (
        samples.select("id", "messages")
        .with_row_index("position")
        .explode("messages", empty_as_null=False)
        .unnest("messages")
        .with_row_index("turn")
    )


def _to_fixed_point(turns: pl.DataFrame, repairs: Sequence[Rule]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The turns as the repairs leave them, and (id, turn, reason) of every change."""
    changes = [pl.DataFrame(schema={"id": pl.String, "turn": turns.schema["turn"], "reason": pl.String})]
    settled: list[pl.DataFrame] = []
    for _ in range(MAX_ROUNDS):
        before = turns
        for rule in repairs:
            after = turns.select(_rewritten(rule)).to_series()
            changed = turns.filter(after != turns["content"])
            changes.append(changed.select("id", "turn", reason=pl.lit(rule.reason)))
            turns = turns.with_columns(content=after)
        moved = before["content"] != turns["content"]
        settled.append(turns.filter(~moved))
        turns = turns.filter(moved)
        if turns.is_empty():
            break
    return pl.concat([*settled, turns]), pl.concat(changes)


def _rewritten(rule: Rule) -> pl.Expr:
    """The content of the turns in the repair's scope as it rewrites them; other turns as they are."""
    content = pl.col("content")
    rewritten = rule.function(content)
    if "every turn" in rule.scope:
        return rewritten
    in_scope = pl.col("role") == "assistant" if "response" in rule.scope else pl.col("role") == "user"
    return pl.when(in_scope).then(rewritten).otherwise(content)
