from __future__ import annotations

import json

import pytest

from entp import accounting
from entp.errors import DataError
from tests.datasets import pair, publish, sample

GOOD = sample("Name a colour.", "Blue is a colour.", row=1)
POOR = sample("Name a fish.", "fish", row=2)
NOISE = sample("Name a tree.", "###", source="scrape", row=3)
COPY = sample("Name a colour!", "Blue is a colour.", source="scrape", row=4)


def verdict(row, reason, keep):
    return {"id": row["id"], "stage": "purge", "keep": keep, "reason": reason, "value": 1.0}


def score(row, tier):
    return {"id": row["id"], "score_raw": 1, "score_curated": 1, "confidence": 1.0, "tier": tier}


@pytest.fixture
def run(tmp_path):
    quarantined = {"file": "pool.jsonl", "line": 5, "source": "scrape", "reason": "invalid_json", "raw": "{"}
    repeat = {"id": GOOD["id"], "source": "forum", "meta": "{}"}
    samples = [GOOD, POOR, NOISE, COPY]
    publish(tmp_path, "ingest", {"rows_read": 6}, samples=samples, quarantine=[quarantined], repeats=[repeat])
    return tmp_path


def purge(run, **changes):
    verdicts = [
        verdict(GOOD, "passed", True),
        verdict(POOR, "passed", True),
        verdict(NOISE, "symbol_heavy", False),
        verdict(COPY, "near_duplicate", False),
    ]
    publish(run, "purge", **{"samples": [GOOD, POOR], "verdicts": verdicts, **changes})


def test_every_row_has_one_fate_per_source(run):
    purge(run)
    publish(run, "curate", scores=[score(GOOD, "HQ"), score(POOR, "LQ")])
    rows = {row["source"]: row for row in accounting.funnel(run).to_dicts()}
    assert list(rows["forum"].values()) == ["forum", 3, 0, 1, 0, 1, 1, 0, 0]
    assert list(rows["scrape"].values()) == ["scrape", 3, 1, 1, 1, 0, 0, 0, 0]
    assert rows["total"]["ingested"] == 6
    accounting.check(run)


def test_rows_wait_while_no_stage_has_decided(run):
    assert accounting.funnel(run)["waiting"].to_list() == [2, 2, 4]


def test_a_sample_that_a_rule_and_deduplication_drop_counts_as_purged(run):
    both = [verdict(COPY, "near_duplicate", False), verdict(COPY, "refusal", False)]
    purge(
        run,
        verdicts=[
            verdict(GOOD, "passed", True),
            verdict(POOR, "passed", True),
            verdict(NOISE, "refusal", False),
            *both,
        ],
    )
    assert accounting.funnel(run)["purged"].to_list()[-1] == 2


def test_a_lost_row_is_found(tmp_path):
    publish(tmp_path, "ingest", {"rows_read": 3}, samples=[GOOD, POOR])
    with pytest.raises(DataError, match="3 rows were read but 2 are accounted for"):
        accounting.check(tmp_path)


def test_a_sample_kept_against_its_verdict_is_found(run):
    purge(run, samples=[GOOD, POOR, NOISE])
    with pytest.raises(DataError, match="keeps other samples than its verdicts say"):
        accounting.check(run)


def test_a_sample_without_a_score_is_found(run):
    purge(run)
    publish(run, "curate", scores=[score(GOOD, "HQ")])
    with pytest.raises(DataError, match="scores other samples than the purge kept"):
        accounting.check(run)


def test_a_pair_without_an_outcome_is_found(run):
    purge(run)
    publish(run, "pair", pairs=[pair("p", GOOD, POOR)])
    publish(run, "mix")
    with pytest.raises(DataError, match="outcomes for other pairs"):
        accounting.check(run)


def test_datasets_made_from_other_inputs_are_passed_over(run):
    purge(run)
    made_from = {"ingest": "another digest"}
    manifest = json.loads((run / "purge" / "manifest.json").read_text())
    (run / "purge" / "manifest.json").write_text(json.dumps({**manifest, "parents": made_from}))
    accounting.check(run)
    assert accounting.funnel(run)["waiting"].to_list() == [2, 2, 4]
