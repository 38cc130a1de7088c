from __future__ import annotations

import json

import pytest

from entp import lineage
from entp.errors import UsageError
from tests.datasets import publish
from tests.finished_run import FUSED, A, B, publish_run


@pytest.fixture
def run(tmp_path):
    return publish_run(tmp_path)


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


def test_a_sample_that_was_acquired_is_told_with_its_document_and_so_are_a_pair_s_parents(tmp_path, monkeypatch):
    place = {"address": "books/basil.pdf", "page": 3, "last_page": 3, "start": 120, "end": 842}
    monkeypatch.setitem(A, "meta", json.dumps({"file": "rows.jsonl", "row": 7, **place, "licence": "CC-BY-4.0"}))
    web = {"address": "https://example.org/basil", "page": None, "start": 0, "end": 90, "licence": None}
    monkeypatch.setitem(B, "meta", json.dumps({"file": "rows.jsonl", "row": 9, **web}))
    run = publish_run(tmp_path)
    told = "from books/basil.pdf, page 3, characters 120 to 842 (licence CC-BY-4.0)"
    assert told in lineage.explain(run, A["id"])
    story = lineage.trace(run, "feed")
    assert story.index("Parent A") < story.index(told) < story.index("Parent B")
    assert story.index("Parent B") < story.index("from https://example.org/basil, characters 0 to 90\n")
