"""The purge in numbers."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from entp.config import PurgeConfig
from entp.purge.personal import chosen_types
from entp.purge.rule import Rule
from entp.purge.scratch import Scratch
from entp.records import CONTAMINATED, DUPLICATE_REASONS


def metrics(
    ingested: int, gone: int, verdicts: pl.DataFrame, rules: Sequence[Rule], scratch: Scratch, config: PurgeConfig
) -> dict[str, float]:
    """How many samples were kept, dropped and why; samples by rule, and personal data by type."""
    samples_by_reason = dict(verdicts.group_by("reason").agg(pl.col("id").n_unique()).iter_rows())
    copies = {f"{reason}s": samples_by_reason.get(reason, 0) for reason in DUPLICATE_REASONS}
    repairs = [rule.reason for rule in rules if rule.action == "repair"]
    replaced = dict(scratch.scan("personal").group_by("type").agg(pl.col("count").sum()).collect().iter_rows())
    return {
        "kept_ratio": (ingested - gone) / ingested,
        "kept": ingested - gone,
        "dropped": gone - sum(copies.values()),
        "duplicates": sum(copies.values()),
        **copies,
        CONTAMINATED: samples_by_reason.get(CONTAMINATED, 0),
        "repaired": verdicts.filter(pl.col("reason").is_in(repairs))["id"].n_unique(),
        **{f"rule/{rule.reason}": samples_by_reason.get(rule.reason, 0) for rule in rules},
        **{f"personal/{kind}": replaced.get(kind, 0) for kind in chosen_types(config.personal_data)},
    }
