"""Straight-line jobs, full batches, the same ones every time."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from entp.config import LLMConfig
from entp.errors import SetupError
from entp.llm import ledger
from entp.llm.batching import run_jobs
from entp.llm.client import Choose, Generate, user
from entp.llm.session import open_session
from tests.llm.test_session import Model


@pytest.fixture
def play(monkeypatch, tmp_path):
    """Runs jobs on a fake model and returns their results."""

    def played(model, jobs, in_flight=8, folder="cache", may_start=None):
        monkeypatch.setattr("entp.llm.session.open_backend", lambda _: model)
        with open_session(LLMConfig(), tmp_path / folder, "test") as session:
            return session.run(run_jobs(session, jobs, in_flight, may_start=may_start))

    return played


async def talk(client, name: str, turns: int):
    """Asks `turns` questions, each one about the reply before."""
    said = name
    for _ in range(turns):
        said = (await client.generate([Generate(user(said + "+"), 8)]))[0].text
    return said


def talks(*turns: int):
    return [partial(talk, name=chr(ord("a") + number), turns=count) for number, count in enumerate(turns)]


def test_results_come_back_in_the_order_of_the_jobs(play):
    assert play(Model(), talks(3, 0, 1, 2), in_flight=2) == ["a+++", "b", "c+", "d++"]


def test_requests_of_all_jobs_go_out_together(play):
    model = Model()
    play(model, talks(2, 2, 2, 2))
    assert model.batches == [["a+", "b+", "c+", "d+"], ["a++", "b++", "c++", "d++"]]


def test_the_next_job_starts_when_one_ends(play):
    model = Model()
    play(model, talks(1, 3, 2), in_flight=2)
    assert model.batches == [["a+", "b+"], ["b++", "c+"], ["b+++", "c++"]]


def test_each_kind_goes_out_as_one_list(play):
    async def judge(client, name):
        return (await client.choose([Choose(user(name), ("yes", "no"))]))[0].text

    model = Model()
    jobs = [partial(judge, name="j"), *talks(1), partial(judge, name="k")]
    assert play(model, jobs) == ["j", "a+", "k"]
    assert model.batches == [["j", "k"], ["a+"]]


def test_a_job_gets_the_replies_to_its_own_list(play):
    async def many(client, names):
        return [reply.text for reply in await client.generate([Generate(user(name), 8) for name in names])]

    assert play(Model(), [partial(many, names="abc"), partial(many, names=""), partial(many, names="d")]) == [
        ["a", "b", "c"],
        [],
        ["d"],
    ]


def test_a_run_that_broke_off_ends_with_the_same_batches_and_results(play, tmp_path):
    uninterrupted, broken, resumed = Model(), Model(fail_after=4), Model()
    jobs = talks(3, 1, 4, 2, 5, 1)
    expected = play(uninterrupted, jobs, in_flight=3)
    with pytest.raises(SetupError):
        play(broken, jobs, in_flight=3, folder="broken")
    assert play(resumed, jobs, in_flight=3, folder="broken") == expected
    assert broken.batches + resumed.batches == uninterrupted.batches
    assert ledger.repeated_requests(tmp_path / "broken") == 0


def test_the_exception_of_a_job_is_raised_as_it_is(play):
    async def wrong(_):
        raise ZeroDivisionError("in a job")

    with pytest.raises(ZeroDivisionError, match="in a job"):
        play(Model(), [*talks(3, 3), wrong])


def test_a_job_that_asks_twice_at_once_is_told_so(play):
    async def hasty(client):
        return await asyncio.gather(talk(client, "x", 1), talk(client, "y", 1))

    with pytest.raises(RuntimeError, match="one call at a time"):
        play(Model(), [hasty, *talks(1)])


def test_with_a_concurrent_model_nobody_waits_for_the_others(play):
    model = Model(concurrency=8)
    assert play(model, talks(2, 1)) == ["a++", "b+"]
    assert sorted(map(len, model.batches)) == [1, 1, 1]


@pytest.mark.parametrize("concurrency", [1, 8])
def test_who_may_start_is_decided_by_the_earliest_jobs_alone(play, concurrency):
    """Job n is decided by the results of jobs 0 to n - 3, however fast the others are."""
    lengths = [9, 1, 1, 1, 1, 1, 1]
    seen = []

    def at_most_twelve_letters(results):
        seen.append(len(results))
        return sum(map(len, results)) <= 12

    results = play(Model(concurrency=concurrency), talks(*lengths), in_flight=3, may_start=at_most_twelve_letters)
    assert results == ["a+++++++++", "b+", "c+", "d+", "e+"]
    assert sorted(seen)[:6] == [0, 0, 0, 1, 2, 3]


def test_jobs_that_wait_for_admission_do_not_hold_up_the_batch(play):
    model = Model()
    play(model, talks(1, 4, 1, 1), in_flight=2, may_start=lambda _: True)
    assert [len(batch) for batch in model.batches] == [2, 2, 1, 1, 1]


def test_no_jobs_no_results(play):
    assert play(Model(), []) == []
