"""One sample, or a pool of them, through the purge's parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from entp.config import Config, PurgeConfig
from entp.conversation import answers
from entp.purge import priors
from entp.purge.apply_rules import decide, measure
from entp.purge.repair import repair
from entp.purge.rule import LowerQuantile, Rule, UpperQuantile
from entp.purge.rules import ALL_RULES
from entp.records import SAMPLES
from entp.text.tokens import lower_tokens
from tests.datasets import sample

MEASURED = tuple(rule for rule in ALL_RULES if rule.action != "repair")
REPAIRS = tuple(rule for rule in ALL_RULES if rule.action == "repair")
LANGUAGES = PurgeConfig().languages


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SAMPLES)


def judge(samples: pl.DataFrame, rules: Sequence[Rule], languages: Sequence[str] = LANGUAGES) -> pl.DataFrame:
    """One FIRED row per sample and rule that fired on it, by limits learnt from these samples."""
    texts = answers(samples)
    numbers = measure(texts, lower_tokens(texts["response"]), rules, languages).lazy()
    return decide(numbers, rules, priors.fit(numbers, rules))


def fired_on(rule: Rule, text: str | tuple[str, str]) -> list[str]:
    """Reasons for which the rule fires on a text in its scope; the other side is plain, the pool ordinary."""
    prompt, response = text if isinstance(text, tuple) else ("Tell me something.", text)
    if rule.scope == ("prompt",):
        prompt, response = str(text), "Here is something."
    rows = [sample(prompt, response)]
    if isinstance(rule.prior, UpperQuantile | LowerQuantile):
        rows += [sample(f"Question {number}?", "word " * (3 + number % 7)) for number in range(999)]
    fired = judge(frame(*rows), [rule])
    return fired.filter(pl.col("id") == rows[0]["id"])["reason"].to_list()


def dropped_for(prompt: str, response: str) -> list[str]:
    """Reasons for which any rule drops the sample, after all repairs."""
    samples, _ = repair(frame(sample(prompt, response)), REPAIRS)
    return judge(samples, MEASURED).filter(~pl.col("keep"))["reason"].to_list()


def mended(rule: Rule, text: str) -> str:
    """The text after this one repair."""
    row = sample("Tell me something.", text) if "prompt" not in rule.scope else sample(text, "Here is something.")
    samples, _ = repair(frame(row), [rule])
    turn = 0 if "prompt" in rule.scope else 1
    return str(samples["messages"][0][turn]["content"])


def configured(**purge: Any) -> Config:
    return Config(purge=PurgeConfig(**purge))
