"""The story of one pair, as kept in the column `trace` of `mix/fusions` (JSON of `Trace`).

`entp trace` and the HTML report print it; the names below, and those of a `Step`, are an API.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TypedDict

from entp.mix.loss import SymbolicLoss
from entp.mix.templates import templates
from entp.track.spans import Operator, Step

#: Why a pair gave no accepted draft (`decision.reason`, `mix/reason/<reason>`), or "accepted"; `audit_<check>` where a
#: check of the audit (`entp.audit.checks`) turned the draft down.
REASONS = (
    "accepted",
    "loss_too_high",
    "below_better_parent",
    "reply_truncated",
    "unrated",
    "infrastructure",
    "max_pairs",
    "max_requests",
    "max_tokens",
    "max_cost",
    "max_seconds",
)


class Ratings(TypedDict):
    """Raw ratings on the rater's own scale, higher is better; None where there is none."""

    fused: float | None
    rewritten: float | None
    parent_a: float | None
    parent_b: float | None


class Decision(TypedDict):
    """`status` is one of FUSION_STATUSES, `reason` one of REASONS, `sentence` says it in plain English."""

    status: str
    reason: str
    sentence: str


@dataclass(frozen=True)
class Trace:
    """`parents` are sample ids; `prompts` maps the templates that were used to their versions; `steps` are told by
    `entp.track.spans`; `curve` is the pair's best loss after each candidate (see `entp.mix.fuse`)."""

    parents: list[str]
    model: str
    prompts: dict[str, str]
    ratings: Ratings
    steps: list[Step]
    curve: list[float]
    decision: Decision


def step(
    operator: Operator,
    iteration: int,
    tokens: tuple[int, int],
    text: str = "",
    template: str | None = None,
    loss: SymbolicLoss | None = None,
    kept: bool | None = None,
) -> Step:
    """One step; a loss's zero terms are left out."""
    return Step(
        operator=operator,
        template=template,
        iteration=iteration,
        text=text,
        loss=loss.total if loss else None,
        terms={name: value for name, value in loss.terms.items() if value > 0} if loss else {},
        heaviest=loss.heaviest if loss else None,
        kept=kept,
        tokens_in=tokens[0],
        tokens_out=tokens[1],
    )


def no_ratings() -> Ratings:
    return Ratings(fused=None, rewritten=None, parent_a=None, parent_b=None)


def to_json(
    parents: Sequence[str],
    model: str,
    steps: list[Step],
    curve: list[float],
    ratings: Ratings,
    decision: Decision,
) -> str:
    """The trace as canonical JSON, with the versions of the templates that its steps used."""
    used = sorted({step.template for step in steps if step.template})
    story = Trace(
        parents=list(parents),
        model=model,
        prompts={name: templates()[name].version for name in used},
        ratings=ratings,
        steps=steps,
        curve=curve,
        decision=decision,
    )
    return json.dumps(asdict(story), ensure_ascii=False, sort_keys=True)
