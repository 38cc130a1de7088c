from __future__ import annotations

import json
import re

import pytest

from entp import params
from entp.report import read_summary, write_report
from tests.datasets import publish, sample
from tests.finished_run import publish_run


@pytest.fixture
def run(tmp_path):
    (tmp_path / "metrics").mkdir()
    mix = {
        "seconds": 12.0,
        "pairs": 1,
        "requests": 4,
        "tokens_in": 40,
        "tokens_out": 20,
        "loss_first": 0.8,
        "loss_last": 0.1,
    }
    (tmp_path / "metrics" / "mix.json").write_text(json.dumps(mix))
    return publish_run(tmp_path)


def test_the_page_tells_the_whole_run(run):
    page = write_report(params.load(), run, {"mlflow": "sqlite:///x.db"}).html.read_text()
    assert "Where every row went" in page
    assert "garden_club" in page
    assert "0.80 → 0.10" in page
    assert "fused: It is rated above both parents." in page


def test_the_page_shows_what_rules_measured_and_what_repairs_did(run):
    page = write_report(params.load(), run, {}).html.read_text()
    assert "<td>symbol_heavy</td><td>drop</td><td>Share of signs.</td>" in page
    assert "<code>It is a cafÃ©.</code></td><td><code>It is a café.</code>" in page
    assert (run / "figures" / "rules.svg").is_file()


def test_the_page_says_what_each_rater_gave_and_could_not_give(run):
    page = write_report(params.load(), run, {}).html.read_text()
    ratings = page[page.index('id="ratings"') : page.index('id="scores"')]
    cells = re.findall(r"<td>(.*?)</td>", ratings, re.DOTALL)
    assert cells == ["judge", "1", "1 timed out", "2.21", "2 (100 %)", "+0.31", ""]


def test_the_page_needs_nothing_but_itself(run):
    page = write_report(params.load(), run, {}).html.read_text()
    assert not re.search(r"(src|href)=[\"']https?://", page)
    assert "<script" not in page


def test_the_embedded_model_is_named_for_what_it_is(run):
    assert "135 million parameters" in write_report(params.load(), run, {}).html.read_text()
    other = params.load(None, ["llm.model=big"])
    assert "135 million parameters" not in write_report(other, run, {}).html.read_text()


def test_a_sample_that_holds_markup_is_shown_as_text(tmp_path):
    hostile = sample("<script>alert(1)</script>", "<img src=x>", source="<b>bold</b>")
    publish(tmp_path, "ingest", {"rows_read": 1}, samples=[hostile])
    page = write_report(params.load(), tmp_path, {}).html.read_text()
    assert "<b>bold</b>" not in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page


def test_a_run_that_stopped_early_still_has_a_report(tmp_path):
    publish(tmp_path, "ingest", {"rows_read": 1}, samples=[sample("Name a fish.", "A trout.")])
    assert "waiting" in write_report(params.load(), tmp_path, {}).html.read_text()


def test_the_summary_holds_configuration_funnel_and_metrics(run):
    write_report(params.load(None, ["mix.max_pairs=3"]), run, {"mlflow": "here"})
    summary = read_summary(run)
    assert summary["config"]["mix"]["max_pairs"] == 3
    assert summary["funnel"][-1]["source"] == "total"
    assert summary["metrics"]["mix"]["tokens_in"] == 40
    assert summary["tracking"] == {"mlflow": "here"}


def test_dvc_finds_its_plots(run):
    write_report(params.load(), run, {})
    assert (run / "plots" / "mix_loss.csv").read_text().splitlines() == ["try,loss", "1,0.8", "2,0.1"]


def test_the_same_run_draws_the_same_figures(run):
    first = [path.read_bytes() for path in write_report(params.load(), run, {}).figures]
    assert first == [path.read_bytes() for path in write_report(params.load(), run, {}).figures]


def test_the_page_shows_what_moved_and_why_and_how_raters_agree(run):
    metrics = {"seconds": 1.0, "kappa/judge/raw": 0.2, "kappa/judge/curated": 0.41, "kappa/judge/control": 0.15}
    (run / "metrics" / "curate.json").write_text(json.dumps(metrics))
    page = write_report(params.load(), run, {}).html.read_text()
    assert "neighbours average 0.8; the rater gives a true 1 a 2 in 0 % of cases" in page
    assert "<td>0.20</td><td>0.41</td><td>0.15</td>" in page
    assert (run / "figures" / "reliability.svg").exists()
