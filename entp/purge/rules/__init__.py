"""All rules, one file per family. A new rule is one decorated function in one of them, and nothing else."""

from __future__ import annotations

from entp.purge.rule import Rule
from entp.purge.rules import characters, chinese, language, repetition, sft, structure

#: In the order in which repairs are applied and verdicts are listed.
FAMILIES = (characters, structure, repetition, language, sft, chinese)
ALL_RULES: tuple[Rule, ...] = tuple(
    value for family in FAMILIES for value in vars(family).values() if isinstance(value, Rule)
)
