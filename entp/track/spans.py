"""What was done to a pair, and when: a line of JSON for each pair that the stage `mix` worked on.

The lines hold clock times, so they stay out of the published dataset: they lie beside the request cache, or, in a
pipeline step's artifact, in the dataset's folder but outside its digest. They are to be looked at (as MLflow traces),
not computed with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from entp import atomic

Operator = Literal["DA", "MCG", "ICD", "FAC", "FAU", "REWRITE", "RATE", "CRITIQUE", "INVENT", "EVOLVE"]
Conversation = list[dict[str, Any]]

SPANS_FILE = "mix_spans.jsonl"


@dataclass(frozen=True)
class Step:
    """One thing done to a pair.

    DA, MCG, FAU and REWRITE wrote `text`, by `template`, and so did CRITIQUE, INVENT and EVOLVE of the rivals. ICD
    and FAC measured the text written before them: `loss`, its weighted `terms`, the `heaviest` of them, and whether it
    was `kept` as the best so far. RATE compares with the parents. Tokens are those of the step's requests, whether or
    not the cache answered them.
    """

    operator: Operator
    template: str | None
    iteration: int
    text: str
    loss: float | None
    terms: dict[str, float]
    heaviest: str | None
    kept: bool | None
    tokens_in: int
    tokens_out: int


@dataclass(frozen=True)
class Span(Step):
    """A step with its times, in seconds since 1970."""

    started: float
    ended: float


class PairSpans(BaseModel):
    """The work on one pair. `messages` are the new sample's, None where there is none; `loss` is the curve."""

    pair_id: str
    status: str
    reason: str
    started: float
    ended: float
    parents: tuple[Conversation, Conversation]
    messages: Conversation | None
    loss: list[float]
    model: str
    tokens_in: int
    tokens_out: int
    spans: list[Span]


def write(pairs: Sequence[PairSpans], folder: Path) -> None:
    """Write the file of these pairs in `folder`, in place of the one before."""
    with atomic.new_file(folder / SPANS_FILE) as partial:
        partial.write_text("".join(f"{pair.model_dump_json()}\n" for pair in pairs), encoding="utf-8")
