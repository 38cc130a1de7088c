"""Which rules a run uses, and with which thresholds: the list of rules, as `config.purge` changes it."""

from __future__ import annotations

from dataclasses import replace

from entp.config import PurgeConfig
from entp.errors import UsageError, near
from entp.purge.rule import LowerQuantile, Rule, UpperQuantile
from entp.purge.rules import ALL_RULES
from entp.records import CONTAMINATED, DUPLICATE_REASONS


def choose_rules(config: PurgeConfig) -> tuple[Rule, ...]:
    """The rules that are not disabled, with the configured thresholds in place of their own.

    Raises UsageError for a reason that no rule has, naming the nearest, and for a quantile outside 0..1.
    """
    for reason in config.disable:
        _must_be_known(reason, (*(rule.reason for rule in ALL_RULES), *DUPLICATE_REASONS, CONTAMINATED), "disable")
    for reason in config.thresholds:
        _must_be_known(reason, tuple(rule.reason for rule in ALL_RULES if rule.prior), "thresholds")
    return tuple(_with_threshold(rule, config) for rule in ALL_RULES if rule.reason not in config.disable)


def _with_threshold(rule: Rule, config: PurgeConfig) -> Rule:
    limit = config.thresholds.get(rule.reason)
    if limit is None or rule.prior is None:
        return rule
    if isinstance(rule.prior, UpperQuantile | LowerQuantile) and not 0 <= limit <= 1:
        raise UsageError(
            f"purge.thresholds: {rule.reason} is a quantile of the pool: a number from 0 to 1, not {limit}"
        )
    return replace(rule, prior=replace(rule.prior, limit=limit))


def _must_be_known(reason: str, known: tuple[str, ...], field: str) -> None:
    if reason not in known:
        raise UsageError(f"purge.{field}: no rule has the reason {reason!r}; {near(reason, known, 'reasons')}")
