"""From a run folder to a plan, and from there to the run that was planned."""

from __future__ import annotations

import re

import pytest

from entp import store
from entp.errors import DataError
from entp.llm.client import Reply
from entp.plan import record
from entp.plan.make import make_plan
from tests.fake_backend import FakeBackend
from tests.plan.run_folder import COUNT, answer, mix, publish_run, settings, use


@pytest.fixture
def run(tmp_path):
    return publish_run(tmp_path / "run")


def numbered(number):
    """What only the prompts about the pair of this number hold."""
    return re.compile(rf"Number {number}\.")


def test_the_plan_of_a_third_of_the_pairs_is_near_what_the_run_takes(monkeypatch, run):
    use(monkeypatch, FakeBackend(answer))
    plan = make_plan(settings(), run, 10)
    took = mix(run)
    assert plan.pilot == 10
    assert plan.calls.expected == took["requests"]
    assert plan.tokens_in.low <= took["tokens_in"] <= plan.tokens_in.high
    assert plan.tokens.expected == pytest.approx(took["tokens_in"] + took["tokens_out"], rel=0.05)
    assert plan.accepted.expected == took["accepted"] == COUNT


def test_the_run_pays_for_no_request_of_the_pilot_again_and_ends_the_same(monkeypatch, run, tmp_path):
    alone = use(monkeypatch, FakeBackend(answer))
    mix(publish_run(tmp_path / "alone"))
    pilot = use(monkeypatch, FakeBackend(answer))
    make_plan(settings(), run, 10)
    rest = use(monkeypatch, FakeBackend(answer))
    mix(run)
    assert len(pilot.seen) + len(rest.seen) == len(alone.seen)
    assert store.read(run / "mix", "fusions").equals(store.read(tmp_path / "alone" / "mix", "fusions"))


def test_a_pilot_of_all_pairs_is_exact(monkeypatch, run):
    use(monkeypatch, FakeBackend(answer))
    plan = make_plan(settings(max_pairs=8), run, 20)
    took = mix(run, max_pairs=8)
    assert plan.exact
    assert plan.pairs == plan.pilot == 8
    assert plan.tokens.low == plan.tokens.expected == plan.tokens.high == took["tokens_in"] + took["tokens_out"]
    assert plan.accepted.low == plan.accepted.high == took["accepted"]


def test_a_budget_does_not_shorten_the_pilot_but_stops_the_planned_run_where_it_stops_the_run(monkeypatch, run):
    use(monkeypatch, FakeBackend(answer))
    budgets = {"max_requests": 100, "max_tokens": 10**9, "in_flight": 2}
    plan = make_plan(settings(**budgets), run, 20)
    took = mix(run, **budgets)
    assert plan.pilot == 20
    assert [(limit.name, limit.pairs) for limit in plan.limits] == [
        ("mix.max_requests", COUNT - took["over_budget"]),
        ("mix.max_tokens", None),
    ]
    assert plan.worked == COUNT - took["over_budget"] < COUNT
    assert plan.calls.expected == took["requests"]
    assert not plan.exact


def test_money_is_planned_where_there_are_prices(monkeypatch, run):
    use(monkeypatch, FakeBackend(answer))
    assert make_plan(settings(), run, 10).cost is None
    prices = {"price_in": 3.0, "price_out": 5.0}
    plan = make_plan(settings(**prices), run, 10)
    money = (plan.tokens_in.expected * 3.0 + plan.tokens_out.expected * 5.0) / 1e6
    assert plan.cost is not None
    assert plan.cost.expected == pytest.approx(money)
    assert mix(run, **prices)["cost"] == pytest.approx(money, rel=0.05)


def test_the_pace_is_measured_once_and_kept_while_the_cache_has_the_pilot(monkeypatch, run):
    use(monkeypatch, FakeBackend(answer))
    first = make_plan(settings(), run, 10)
    record.write(run, first)
    again = make_plan(settings(price_in=1.0), run, 10)
    assert first.tokens_per_second
    assert again.tokens_per_second == first.tokens_per_second
    assert again.hours == first.hours
    (run / "plan.json").unlink()
    assert make_plan(settings(), run, 11).hours is None  # one pair more does not tell a pace


def test_a_failed_pair_tells_nothing_and_is_counted_with_its_cause(monkeypatch, run):
    failing = numbered(7)

    def one_down(request):
        return Reply("failed", error="too long") if failing.search(str(request.messages)) else answer(request)

    use(monkeypatch, FakeBackend(one_down))
    plan = make_plan(settings(), run, COUNT)
    assert (plan.pilot, plan.failed) == (COUNT, 1)
    assert "too long" in plan.causes
    assert plan.calls.expected == 9 * COUNT


def test_a_pilot_that_fails_is_an_error_with_the_causes(monkeypatch, run):
    use(monkeypatch, FakeBackend(lambda _: Reply("failed", error="endpoint is down")))
    with pytest.raises(DataError, match=r"10 of 10 pairs of the pilot failed: 10 x .*endpoint is down"):
        make_plan(settings(), run, 10)


def test_a_folder_without_pairs_is_an_error_that_names_the_stage_to_run(tmp_path):
    with pytest.raises(DataError, match=r"run `entp purge --output"):
        make_plan(settings(), tmp_path, 10)
