from __future__ import annotations

import json

import pytest

from entp import lineage
from entp.errors import UsageError
from tests.datasets import publish, sample

A = sample("How do I water basil?", "A little each day.", row=7)
B = sample("Why do basil leaves turn yellow?", "too much water", source="garden_club", row=9)
FUSED = sample(
    "How do I water basil so that its leaves stay green?", "Water a little each day; too much turns it yellow."
)


def step(operator, iteration, text="", loss=None, template=None, terms=None, kept=None):
    return {
        "operator": operator,
        "template": template,
        "iteration": iteration,
        "text": text,
        "loss": loss,
        "terms": terms or {},
        "heaviest": None,
        "kept": kept,
        "tokens_in": 10,
        "tokens_out": 5,
    }


@pytest.fixture
def run(tmp_path):
    publish(tmp_path, "ingest", {"rows_read": 2}, samples=[A, B])
    passed = [{"id": row["id"], "stage": "purge", "keep": True, "reason": "passed", "value": None} for row in (A, B)]
    repaired = {"id": B["id"], "stage": "purge", "keep": True, "reason": "mojibake", "value": 2.0}
    mended = {**B, "messages": [B["messages"][0], {"role": "assistant", "content": "Too much water."}]}
    publish(tmp_path, "purge", samples=[A, mended], verdicts=[*passed, repaired])
    rating = {"id": A["id"], "rater": "judge", "status": "rated", "score": 2, "expected": 2.21, "spread": 0.5}
    missing = {"id": B["id"], "rater": "judge", "status": "timed_out", "score": None, "expected": None, "spread": None}
    publish(tmp_path, "rate", ratings=[rating, missing])
    scores = [
        {"id": A["id"], "score_raw": 2, "score_curated": 1, "confidence": 0.7, "tier": "LQ"},
        {"id": B["id"], "score_raw": None, "score_curated": None, "confidence": 0.0, "tier": "undecided"},
    ]
    publish(tmp_path, "curate", scores=scores)
    pair = {"pair_id": "feed01", "parent_a": A["id"], "parent_b": B["id"], "similarity": 0.61, "cluster": 3}
    publish(tmp_path, "pair", pairs=[pair])
    steps = [
        step("DA", 0, "Water it in the morning."),
        step("MCG", 1, "Water basil?", loss=0.8, template="merge_plain", terms={"missing_terms_b": 0.6}, kept=True),
        step("MCG", 2, "Water basil, keep it green?", loss=0.1, template="merge_keep_terms", kept=True),
    ]
    story = {"model": "toy", "steps": steps, "decision": {"sentence": "It is rated above both parents."}}
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


def test_explain_tells_every_stage_of_a_samples_life(run):
    text = lineage.explain(run, A["id"][:10])
    assert "row 7 of pool.jsonl, source forum" in text
    assert "kept: passed every rule" in text
    assert "judge: 2 of 5 (expected 2.21 +- 0.50)" in text
    assert "1 of 5, curated from 2, confidence 0.70: tier LQ" in text
    assert f"with {B['id']} (similarity 0.61) as pair feed01" in text
    assert "fused: It is rated above both parents." in text
    assert f"in train as part of fusion {FUSED['id']}" in text


def test_explain_shows_a_repair_with_its_result(run):
    text = lineage.explain(run, B["id"])
    assert "kept: mojibake (measured 2)" in text
    assert "repaired to:" in text
    assert "Too much water." in text


def test_explain_says_why_a_sample_has_no_score(run):
    assert "judge: no score (timed_out)" in lineage.explain(run, B["id"])


def test_explain_works_on_a_run_that_stopped_early(tmp_path):
    publish(tmp_path, "ingest", {"rows_read": 1}, samples=[A])
    assert "How do I water basil?" in lineage.explain(tmp_path, A["id"])


def test_trace_tells_a_pair_from_its_parents_to_the_outcome(run):
    text = lineage.trace(run, "feed")
    order = ["Parent A", "How do I water basil?", "Parent B", "Direct answer", "try 1, template merge_plain"]
    order += ["loss 0.800 (missing_terms_b 0.60)", "template merge_keep_terms", "Outcome   fused", "4 calls"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_trace_takes_the_id_of_a_parent(run):
    assert lineage.trace(run, B["id"]) == lineage.trace(run, "feed01")


def test_an_unknown_id_says_where_ids_are(run):
    with pytest.raises(UsageError, match=r"no id in .* begins with 'zzz'"):
        lineage.explain(run, "zzz")


def test_an_ambiguous_beginning_asks_for_more(run):
    with pytest.raises(UsageError, match="give more characters"):
        lineage.explain(run, "")
