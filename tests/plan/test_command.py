"""The command as a user meets it."""

from __future__ import annotations

import json

import pytest

from entp.errors import DataError
from entp.plan import record
from entp.plan.command import plan_and_show
from tests.fake_backend import FakeBackend
from tests.plan.run_folder import answer, publish_run, settings, use
from tests.test_cli import entp, fails


@pytest.fixture
def run(monkeypatch, tmp_path):
    use(monkeypatch, FakeBackend(answer))
    return publish_run(tmp_path / "run")


def test_it_prints_the_plan_and_keeps_it(run, capsys):
    plan_and_show(settings(max_requests=100), run, 10)
    shown = " ".join(capsys.readouterr().err.split())
    assert "from a pilot of 10 of 30 pairs, drawn at random" in shown
    assert "mix.max_requests=100 stops the run after about 19 of 30 pairs" in shown
    assert "set llm.price_in and llm.price_out" in shown
    plan = record.read(run)
    assert plan is not None
    assert f"{plan.calls.expected:,.0f}" in shown


def test_the_same_pilot_gives_the_same_plan(run):
    plan_and_show(settings(), run, 10)
    first = (run / "plan.json").read_bytes()
    plan_and_show(settings(), run, 10)
    assert (run / "plan.json").read_bytes() == first


def test_a_small_pilot_says_that_it_does_not_keep_a_server_busy(monkeypatch, run, capsys):
    backend = use(monkeypatch, FakeBackend(answer))
    backend.concurrency = 64
    plan_and_show(settings(), run, 10)
    assert "the run has 128 pairs under way at once, the pilot had 10" in " ".join(capsys.readouterr().err.split())


def test_a_plan_of_another_shape_is_named_with_its_field(run):
    plan_and_show(settings(), run, 10)
    path = run / "plan.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 2}))
    with pytest.raises(DataError, match=r"plan.json: format_version: .*run `entp plan --output"):
        record.read(run)


def test_wrong_usage_and_missing_data_have_their_exit_codes(tmp_path):
    assert "entp plan --output runs/sample" in entp("plan", "--help", cwd=tmp_path).stdout
    assert entp("plan", "--pairs", "2", cwd=tmp_path).returncode == 2
    fails(entp("plan", "--output", "run", cwd=tmp_path), 3, "run `entp purge --output run` first")
