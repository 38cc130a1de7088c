"""Clean documents by the purge's own rules: its repairs on every block, its rules for any text on every passage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from entp.acquire.document import Block, Document, Extracted, Origin
from entp.acquire.passages import Passage
from entp.config import PurgeConfig
from entp.conversation import Message
from entp.purge.apply_rules import decide, measure
from entp.purge.choice import choose_rules
from entp.purge.priors import LIMITS
from entp.purge.repair import repair
from entp.purge.rule import Lower, Rule, Upper
from entp.purge.rules import characters, language, repetition
from entp.records import SAMPLES
from entp.text.tokens import lower_tokens

#: The families whose rules look at a text as such, not at an answer to a request.
FAMILIES = (characters, repetition, language)
TEXT_RULES = frozenset(
    value.reason for family in FAMILIES for value in vars(family).values() if isinstance(value, Rule)
)


def cleaned(read: Sequence[tuple[Origin, Extracted]], config: PurgeConfig) -> list[Document]:
    """Documents whose blocks the purge's repairs have mended; blocks of which nothing is left are gone.

    The repairs come before offsets are counted, so these are true of the text that is kept.
    """
    repairs = [rule for rule in choose_rules(config) if rule.action == "repair" and rule.reason in TEXT_RULES]
    mended, _ = repair(_as_samples([[block.text for block in found.blocks] for _, found in read]), repairs)
    texts = [[turn["content"] for turn in turns] for turns in mended["messages"]]
    return [
        Document(origin, found.title, found.licence, found.pages, _with_texts(found.blocks, told))
        for (origin, found), told in zip(read, texts, strict=True)
    ]


def faults(passages: Sequence[Passage], config: PurgeConfig) -> dict[int, tuple[str, float]]:
    """The first rule that drops each passage, and what it measured, by the passage's place; the others are fit.

    Only rules with a limit of their own are asked: quantiles are of pools of answers.
    """
    if not passages:
        return {}
    rules = [rule for rule in choose_rules(config) if _judges_text(rule)]
    texts = pl.DataFrame(
        {
            "id": [str(place) for place in range(len(passages))],
            "turn": pl.Series([0] * len(passages), dtype=pl.Int64),
            "source": [passage.document.origin.source for passage in passages],
            "prompt": [""] * len(passages),
            "response": [passage.text for passage in passages],
        }
    )
    numbers = measure(texts, lower_tokens(texts["response"]), rules, config.languages)
    fired = decide(numbers.lazy(), rules, LIMITS.to_frame()).filter(~pl.col("keep")).unique("id", maintain_order=True)
    return {int(row["id"]): (row["reason"], row["value"]) for row in fired.iter_rows(named=True)}


def _judges_text(rule: Rule) -> bool:
    return rule.action == "drop" and rule.reason in TEXT_RULES and isinstance(rule.prior, Upper | Lower)


def _as_samples(texts: Sequence[Sequence[str]]) -> pl.DataFrame:
    """A sample for each document, a turn for each of its blocks."""
    rows = [
        {"id": str(place), "messages": [Message(role="assistant", content=text) for text in blocks]}
        for place, blocks in enumerate(texts)
    ]
    return pl.DataFrame(rows, schema=SAMPLES)


def _with_texts(blocks: Sequence[Block], texts: Sequence[str]) -> tuple[Block, ...]:
    mended = (replace(block, text=text.strip()) for block, text in zip(blocks, texts, strict=True))
    return tuple(block for block in mended if block.text)
