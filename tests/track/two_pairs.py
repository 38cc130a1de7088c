"""Two pairs as the stage `mix` leaves them: one that was fused at the second try, one that failed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.datasets import publish
from tests.finished_run import FUSED, A, B, step

BEGIN = 1_790_000_000.0


def fused() -> dict[str, Any]:
    return {
        "pair_id": "feed01",
        "status": "fused",
        "reason": "accepted",
        "started": BEGIN,
        "ended": BEGIN + 4.5,
        "parents": [A["messages"], B["messages"]],
        "messages": FUSED["messages"],
        "loss": [0.8, 0.1],
        "model": "toy",
        "tokens_in": 40,
        "tokens_out": 20,
        "spans": [
            _span("DA", 0, 0.0, 1.0, "Water it in the morning."),
            _span("MCG", 1, 1.0, 2.5, "Water basil?", template="merge_plain"),
            _span("ICD", 1, 2.5, 3.0, loss=0.8, terms={"missing_terms_b": 0.6}, heaviest="missing_terms_b", kept=True),
            _span("RATE", 0, 3.0, 4.5),
        ],
    }


def failed() -> dict[str, Any]:
    changes: dict[str, Any] = {
        "pair_id": "feed02",
        "status": "failed",
        "reason": "infrastructure",
        "messages": None,
        "loss": [],
    }
    times = {"started": BEGIN + 1, "ended": BEGIN + 2, "spans": [_span("DA", 0, 1.0, 2.0)]}
    return fused() | changes | times


def leave(run: Path, *pairs: dict[str, Any]) -> Path:
    """Publish `run/mix` with these pairs, and their spans beside it; the dataset."""
    dataset = publish(run, "mix", fusions=[_row(pair) for pair in pairs])
    write(run, *pairs)
    return dataset


def write(run: Path, *pairs: dict[str, Any]) -> Path:
    """The spans alone."""
    path = run / "cache" / "mix_spans.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    return path


def _span(operator: str, iteration: int, start: float, end: float, text: str = "", **known: Any) -> dict[str, Any]:
    return {"started": BEGIN + start, "ended": BEGIN + end, **step(operator, iteration, text, **known)}


def _row(pair: dict[str, Any]) -> dict[str, Any]:
    return {name: pair[name] for name in ("pair_id", "status", "messages", "tokens_in", "tokens_out")}
