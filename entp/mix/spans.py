"""Writes what happened when, one JSON line per worked pair: the raw material of MLflow's traces (read by `entp.spans`).

Times are no part of the published data, which is the same in every run; the file lies beside the request cache.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from entp.mix.fuse import Fusion

SPANS_FILE = "mix_spans.jsonl"


def write(fusions: Sequence[Fusion], folder: Path) -> None:
    """Write the worked pairs' spans anew. Times are seconds since the epoch."""
    lines = [json.dumps(_pair(fusion), ensure_ascii=False) for fusion in fusions if fusion.steps]
    temporary = folder / f"{SPANS_FILE}.tmp"
    temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    temporary.rename(folder / SPANS_FILE)


def _pair(fusion: Fusion) -> dict[str, object]:
    times = zip(fusion.steps, fusion.clock[:-1], fusion.clock[1:], strict=True)
    return {
        "pair_id": fusion.pair.id,
        "status": fusion.decision["status"],
        "reason": fusion.decision["reason"],
        "started": fusion.clock[0],
        "ended": fusion.clock[-1],
        "parents": [parent.messages for parent in fusion.pair.parents],
        "messages": fusion.messages,
        "loss": fusion.curve,
        "model": fusion.model,
        "tokens_in": fusion.tokens_in,
        "tokens_out": fusion.tokens_out,
        "spans": [{**step, "started": started, "ended": ended} for step, started, ended in times],
    }
