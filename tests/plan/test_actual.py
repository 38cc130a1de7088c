"""The plan against the run: on the page, in the summary, on the terminal; only where it was made for that run."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from entp.audit.audit import Audit
from entp.mix.audited import Audited
from entp.mix.trace import Decision
from entp.plan import actual, record
from entp.plan.make import make_plan
from entp.report import write_report
from tests.datasets import publish, sample
from tests.fake_backend import FakeBackend
from tests.plan.run_folder import COUNT, answer, mix, publish_run, settings, use


@pytest.fixture
def run(monkeypatch, tmp_path):
    """A run that was planned, and then came to its end."""
    use(monkeypatch, FakeBackend(answer))
    folder = publish_run(tmp_path / "run")
    record.write(folder, make_plan(settings(), folder, 10))
    mix(folder)
    return folder


def test_every_planned_figure_has_its_actual_one(run):
    compared = actual.compare(run)
    rows = {row.name: row for row in compared.rows}
    assert set(rows) == {"calls", "tokens_in", "tokens_out", "tokens", "hours", "accepted"}
    assert rows["calls"].ratio == 1.0
    assert rows["tokens"].actual == rows["tokens_in"].actual + rows["tokens_out"].actual


def test_the_terminal_and_the_tracker_get_it_too(run):
    [line] = actual.closing_lines(run)
    assert f"accepted, before the audit {COUNT} of {COUNT}" in line
    metrics = actual.summary(run).metrics
    assert metrics["calls_expected"] == metrics["calls_low"] == 9 * COUNT
    assert metrics["tokens_actual_ratio"] == pytest.approx(1.0, rel=0.05)


def test_what_the_audit_turned_down_had_been_accepted(monkeypatch, run):
    def turn_one_down(_, fusions, *__):
        decision = Decision(status="rejected", reason="audit_contamination", sentence="It leaks.")
        return Audited([replace(fusions[0], messages=None, decision=decision), *fusions[1:]], Audit([], []), ())

    monkeypatch.setattr("entp.mix.stage.audited", turn_one_down)
    assert mix(run)["accepted"] == COUNT - 1
    [accepted] = [row for row in actual.compare(run).rows if row.name == "accepted"]
    assert accepted.actual == COUNT


def test_another_configuration_makes_the_plan_stale_and_says_so(run):
    mix(run, max_pairs=12)
    assert actual.compare(run).stale.endswith("was made for another configuration")
    assert "not compared" in actual.closing_lines(run)[0]
    assert actual.summary(run) is None


def test_other_pairs_make_the_plan_stale(run):
    publish_run(run, count=12)
    assert actual.compare(run) is None  # mix has still to run on these
    mix(run)
    assert actual.compare(run).stale.endswith("was made for other pairs")


def test_prices_do_not_make_a_plan_stale(run):
    record.write(run, make_plan(settings(price_in=1.0), run, 10))
    assert not actual.compare(run).stale


def test_a_damaged_plan_is_named_with_its_field_and_does_not_stop_a_report(run):
    content = json.loads((run / "plan.json").read_text())
    (run / "plan.json").write_text(json.dumps({**content, "pilots": 3}))
    assert "pilots: extra inputs are not permitted" in actual.compare(run).stale


def test_the_report_shows_it(run):
    publish(run, "ingest", {"rows_read": 1}, samples=[sample("Name a fish.", "A trout.")])
    written = write_report(settings(), run, {})
    page = written.html.read_text()
    assert "Planned against actual" in page
    assert "<td>calls</td><td>270</td>" in page
    assert json.loads(written.summary.read_text())["plan"]["calls"]["actual"] == 9 * COUNT


def test_nothing_is_said_where_nothing_was_planned(run):
    (run / "plan.json").unlink()
    assert actual.compare(run) is None
    assert actual.closing_lines(run) == []
