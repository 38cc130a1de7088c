"""A whole run in miniature, as the stages would have published it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.datasets import TRANSITION, embeddings, pair, publish, sample

A = sample("How do I water basil?", "A little each day.", row=7)
B = sample("Why do basil leaves turn yellow?", "too much water", source="garden_club", row=9)
FUSED = sample(
    "How do I water basil so that its leaves stay green?", "Water a little each day; too much turns it yellow."
)

#: What the purge found of one rule.
RULE = {
    "reason": "symbol_heavy",
    "action": "drop",
    "measures": "Share of signs.",
    "limit": 0.3,
    "samples": 2,
    "fired": 1,
    "median": 0.1,
    "p95": 0.4,
    "p99": 0.4,
    "maximum": 0.4,
    "edges": [0.0, 0.1, 0.2, 0.3, 0.4],
    "counts": [1, 1, 0, 1],
}


def step(operator: str, iteration: int, text: str = "", **known: Any) -> dict[str, Any]:
    blank: dict[str, Any] = {"template": None, "loss": None, "terms": {}, "heaviest": None, "kept": None}
    cost = {"tokens_in": 10, "tokens_out": 5}
    return {"operator": operator, "iteration": iteration, "text": text, **cost, **blank, **known}


def publish_run(tmp_path: Path) -> Path:
    """A run of two samples that became one fusion, up to `evaluate`."""
    publish(tmp_path, "ingest", {"rows_read": 2}, samples=[A, B])
    passed = [{"id": row["id"], "stage": "purge", "keep": True, "reason": "passed", "value": None} for row in (A, B)]
    repaired = {"id": B["id"], "stage": "purge", "keep": True, "reason": "mojibake", "value": 2.0}
    mended = {**B, "messages": [B["messages"][0], {"role": "assistant", "content": "Too much water."}]}
    mojibake = {"id": B["id"], "turn": 1, "reasons": ["mojibake"], "before": "It is a cafÃ©.", "after": "It is a café."}
    publish(tmp_path, "purge", samples=[A, mended], verdicts=[*passed, repaired], repairs=[mojibake], rules=[RULE])
    rating = {"id": A["id"], "rater": "judge", "status": "rated", "score": 2, "expected": 2.21, "spread": 0.5}
    missing = {"id": B["id"], "rater": "judge", "status": "timed_out", "score": None, "expected": None, "spread": None}
    publish(tmp_path, "rate", {"judge/length_correlation": 0.31}, ratings=[rating, missing])
    scores = [
        {"id": A["id"], "score_raw": 2, "score_curated": 1, "neighbours_score": 0.8, "confidence": 0.7, "tier": "LQ"},
        {"id": B["id"], "score_raw": None, "score_curated": None, "confidence": 0.0, "tier": "undecided"},
    ]
    reliability = [{"predicted": 0.3, "observed": 0.25, "forecasts": 12}]
    publish(
        tmp_path,
        "curate",
        scores=scores,
        transition=TRANSITION,
        reliability=reliability,
        embeddings=embeddings([A, B]),
    )
    paired = pair("feed01", A, B, cluster=3) | {"similarity": 0.61}
    place = {"cluster": 3, "task_type": "question_answering", "x": 0.1, "y": 0.2}
    places = [{"id": row["id"], "representative": row is A, **place} for row in (A, B)]
    domain = {
        "cluster": 3, "size": 2, "share": 1.0, "cohesion": 0.8, "keywords": ["basil", "leaves"],
        "task_types": [{"task_type": "question_answering", "share": 1.0}], "representatives": [A["id"]],
        "paired": 2, "left_over": 0,
    }  # fmt: skip
    publish(tmp_path, "pair", pairs=[paired], clusters=places, domains=[domain])
    steps = [
        step("DA", 0, "Water it in the morning."),
        step("MCG", 1, "Water basil?", loss=0.8, template="merge_plain", terms={"missing_terms_b": 0.6}, kept=True),
        step("MCG", 2, "Water basil, keep it green?", loss=0.1, template="merge_keep_terms", kept=True),
    ]
    decision = {"sentence": "It is rated above both parents."}
    story = {"model": "toy", "steps": steps, "curve": [0.8, 0.1], "decision": decision}
    fusion = {
        "pair_id": "feed01",
        "status": "fused",
        "messages": FUSED["messages"],
        "loss_first": 0.8,
        "loss_last": 0.1,
        "iterations": 2,
        "calls": 4,
        "tokens_in": 40,
        "tokens_out": 20,
        "trace": json.dumps(story),
    }
    publish(tmp_path, "mix", fusions=[fusion])
    training = {
        "id": FUSED["id"],
        "origin": "fusion",
        "source": "forum",
        "messages": FUSED["messages"],
        "parents": [A["id"], B["id"]],
    }
    publish(tmp_path, "assemble", train=[training])
    return tmp_path
