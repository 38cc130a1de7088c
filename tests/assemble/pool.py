"""A small pool as the stages before `assemble` would leave it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from entp.stages import stage_named
from tests.datasets import pair, publish, sample


def publish_pool(run: Path, fused: int, hq: int, rejected: int = 0, clusters: int = 4) -> dict[str, Path]:
    """Pairs of two forum samples each, of which the first `fused` were fused, and `hq` samples from a manual."""
    good = [sample(f"How does part {n} work?", f"Part {n} turns.", "manual", n) for n in range(hq)]
    poor: list[dict[str, Any]] = []
    pairs, fusions = [], []
    for number in range(fused + rejected):
        left, right = (sample(f"{side}{number}?", f"{side} {number}.", "forum") for side in ("left", "right"))
        poor += [left, right]
        accepted = number < fused
        pairs.append(pair(f"pair{number:03d}", left, right, number % clusters))
        fusions.append(fusion(number, f"Both {number}?" if accepted else None, loss=0.01 * number))
    scores = [score(row, "HQ", 4 + row_number % 2) for row_number, row in enumerate(good)]
    scores += [score(row, "LQ", 1) for row in poor]
    publish(run, "purge", samples=good + poor)
    publish(run, "curate", scores=scores)
    publish(run, "pair", pairs=pairs)
    publish(run, "mix", fusions=fusions)
    return {name: run / name for name in stage_named("assemble").parents}


def fusion(number: int, instruction: str | None, loss: float = 0.1, status: str = "fused") -> dict[str, Any]:
    """An accepted fusion, or a rejected one where there is no instruction."""
    messages = [{"role": "user", "content": instruction}, {"role": "assistant", "content": f"Yes, {number}."}]
    return {
        "pair_id": f"pair{number:03d}",
        "status": status if instruction else "rejected",
        "messages": messages if instruction else None,
        "loss_first": 0.9,
        "loss_last": loss,
        "iterations": 1,
        "calls": 4,
        "tokens_in": 100,
        "tokens_out": 20,
        "trace": "{}",
    }


def score(row: dict[str, Any], tier: str, curated: int, confidence: float = 0.5) -> dict[str, Any]:
    return {
        "id": row["id"],
        "score_raw": curated,
        "score_curated": curated,
        "confidence": confidence,
        "tier": tier,
    }
