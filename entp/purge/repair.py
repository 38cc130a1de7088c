"""Apply repairs to every turn, again and again until nothing changes, and keep what each turn was before."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from entp.conversation import MESSAGE, MESSAGES
from entp.purge.rule import Rule
from entp.records import REPAIRS

#: Each repair removes or replaces what it looks for, so a fixed point comes after two or three rounds; texts
#: nested deeper than this are left as they are by then.
MAX_ROUNDS = 50


def repair(samples: pl.DataFrame, repairs: Sequence[Rule]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The samples with mended messages, in the same order; one REPAIRS row per turn that changed."""
    if not repairs or samples.is_empty():
        return samples, REPAIRS.to_frame()
    turns = turns_of(samples)
    damaged = turns.filter(_is_damaged(turns, repairs))
    if damaged.is_empty():
        return samples, REPAIRS.to_frame()
    mended, reasons = _to_fixed_point(damaged, repairs)
    changed = (
        damaged.rename({"content": "before"})
        .join(mended.select("position", "turn", after="content"), on=("position", "turn"))
        .join(reasons, on=("position", "turn"))
        .filter(pl.col("after") != pl.col("before"))
        .sort("position", "turn")
    )
    rewritten = changed.select("position", "turn", content="after")
    return with_turns(samples, turns, rewritten), changed.select(list(REPAIRS)).cast(REPAIRS)


def turns_of(samples: pl.DataFrame) -> pl.DataFrame:
    """One row per turn: `id`, `position` of the sample, number of the `turn` in it (from 0), and a turn's fields."""
    return (
        samples.select("id", "messages")
        .with_row_index("position")
        .explode("messages", empty_as_null=False)
        .unnest("messages")
        .with_columns(turn=pl.int_range(pl.len()).over("position"))
    )


def with_turns(samples: pl.DataFrame, turns: pl.DataFrame, changed: pl.DataFrame) -> pl.DataFrame:
    """The samples, where turns in `changed` (`position`, `turn`) have its other columns' values, as far as not null."""
    fields = [name for name in changed.columns if name not in ("position", "turn")]
    touched = turns.filter(pl.col("position").is_in(changed["position"].unique().implode()))
    messages = (
        touched.join(changed, on=("position", "turn"), how="left", suffix="_new")
        .with_columns(pl.coalesce(f"{name}_new", name).alias(name) for name in fields)
        .sort("position", "turn")
        .group_by("position", maintain_order=True)
        .agg(rewritten=pl.struct(*(field.name for field in MESSAGE.fields)))
        .with_columns(pl.col("rewritten").cast(MESSAGES))
    )
    return (
        samples.with_row_index("position")
        .join(messages, on="position", how="left", maintain_order="left")
        .with_columns(messages=pl.coalesce("rewritten", "messages"))
        .drop("position", "rewritten")
    )


def _is_damaged(turns: pl.DataFrame, repairs: Sequence[Rule]) -> pl.Series:
    """Which turns any repair would rewrite. All triggers are looked for in one pass: few turns hold any."""
    placed = turns.with_row_index("place")
    triggered = [rule for rule in repairs if rule.trigger is not None]
    triggers = "|".join(f"(?:{rule.trigger})" for rule in triggered)
    suspects = placed.filter(pl.col("content").str.contains(triggers)) if triggered else placed.clear()
    others = [rule for rule in repairs if rule.trigger is None]
    places = pl.concat([_rewritten_places(suspects, triggered), _rewritten_places(placed, others)])
    return placed["place"].is_in(places.implode())


def _rewritten_places(turns: pl.DataFrame, repairs: Sequence[Rule]) -> pl.Series:
    # In two steps and lazily, so that what repairs have in common is computed once.
    rewritten = {rule.reason: _rewritten(rule) for rule in repairs}
    differs = pl.any_horizontal(pl.lit(value=False), *(pl.col(rule.reason) != pl.col("content") for rule in repairs))
    return turns.lazy().select("place", "content", **rewritten).filter(differs).collect()["place"]


def _to_fixed_point(turns: pl.DataFrame, repairs: Sequence[Rule]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The turns as the repairs leave them, and the `reasons` of every turn that changed."""
    keys = turns.select("position", "turn")
    changes = [keys.clear().with_columns(reason=pl.lit(None, dtype=pl.String))]
    settled: list[pl.DataFrame] = []
    for _ in range(MAX_ROUNDS):
        before = turns
        for rule in repairs:
            if rule.trigger is not None and not turns["content"].str.contains(rule.trigger).any():
                continue
            after = turns.select(_rewritten(rule)).to_series()
            changed = turns.filter(after != turns["content"])
            changes.append(changed.select("position", "turn", reason=pl.lit(rule.reason)))
            turns = turns.with_columns(content=after)
        moved = before["content"] != turns["content"]
        settled.append(turns.filter(~moved))
        turns = turns.filter(moved)
        if turns.is_empty():
            break
    reasons = pl.concat(changes).group_by("position", "turn").agg(reasons=pl.col("reason").unique().sort())
    return pl.concat([*settled, turns]), reasons


def _rewritten(rule: Rule) -> pl.Expr:
    """The content of the turns in the repair's scope as it rewrites them; other turns as they are."""
    content = pl.col("content")
    rewritten = rule.function(content)
    if "every turn" in rule.scope:
        return rewritten
    in_scope = pl.col("role") == "assistant" if "response" in rule.scope else pl.col("role") == "user"
    return pl.when(in_scope).then(rewritten).otherwise(content)
