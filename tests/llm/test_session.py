"""The session: order, cache, ledger, and what a killed run leaves behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from entp.config import LLMConfig
from entp.errors import SetupError, Stopped
from entp.llm import cache, ledger
from entp.llm.client import Choose, Generate, LogLikelihood, Reply, user
from entp.llm.session import open_session
from tests.fake_backend import FakeBackend


class Model(FakeBackend):
    """Echoes the last message; remembers its batches; `fail_after` batches the endpoint is down."""

    def __init__(self, answer=None, fail_after: int | None = None, concurrency: int = 1) -> None:
        super().__init__(answer or (lambda request: Reply("ok", text=request.messages[-1]["content"], tokens_in=2)))
        self.batches: list[list[str]] = []
        self.fail_after = fail_after
        self.concurrency = concurrency

    async def _reply(self, requests):
        if self.fail_after is not None and len(self.batches) >= self.fail_after:
            raise SetupError("endpoint down")
        self.batches.append([request.messages[-1]["content"] for request in requests])
        await asyncio.sleep(0)
        return await super()._reply(requests)


@pytest.fixture
def open_with(monkeypatch, tmp_path):
    """Opens a session on a given fake model, always with the same cache folder."""

    def opened(model, purpose="test", **config):
        monkeypatch.setattr("entp.llm.session.open_backend", lambda _: model)
        return open_session(LLMConfig(**config), tmp_path, purpose)

    return opened


def questions(count: int, start: int = 0) -> list[Generate]:
    return [Generate(user(f"question {number:02d}" + "?" * (number % 5)), 8) for number in range(start, start + count)]


def ask(session, requests):
    return [reply.text for reply in asyncio.run(session.generate(requests))]


def texts(requests):
    return [request.messages[-1]["content"] for request in requests]


def test_replies_come_back_in_the_order_of_the_requests(open_with):
    with open_with(Model()) as session:
        assert ask(session, questions(11)) == texts(questions(11))


def test_a_second_run_asks_the_model_nothing(open_with):
    with open_with(Model()) as session:
        first = ask(session, questions(11))
    again = Model()
    with open_with(again) as session:
        assert ask(session, questions(11)) == first
        assert (again.seen, session.usage.cached, session.usage.seconds) == ([], 11, 0.0)


def test_a_request_that_stands_twice_in_a_list_is_made_once(open_with):
    model = Model()
    with open_with(model) as session:
        assert ask(session, [*questions(3), *questions(3)]) == texts(questions(3)) * 2
    assert len(model.seen) == 3


def test_the_same_request_from_two_tasks_at_once_is_made_once(open_with):
    model = Model(concurrency=4)

    async def both(session):
        return await asyncio.gather(session.generate(questions(2)), session.generate(questions(2)))

    with open_with(model) as session:
        one, other = asyncio.run(both(session))
    assert (one, len(model.seen)) == (other, 2)


def test_every_kind_of_request_has_its_own_cache_entry(open_with):
    model = Model(lambda request: Reply("ok", text=type(request).__name__))
    same = user("x")
    with open_with(model) as session:
        generated = asyncio.run(session.generate([Generate(same, 8)]))
        chosen = asyncio.run(session.choose([Choose(same, ("0", "1"))]))
        scored = asyncio.run(session.loglikelihood([LogLikelihood(same, "y")]))
    assert [reply.text for reply in generated + chosen + scored] == ["Generate", "Choose", "LogLikelihood"]


@pytest.mark.parametrize("status", ["failed", "timed_out"])
def test_a_request_that_failed_is_tried_again_in_the_next_run(open_with, status):
    with open_with(Model(lambda _: Reply(status, error="busy"))) as session:
        assert asyncio.run(session.generate(questions(1)))[0].status == status
    with open_with(Model()) as session:
        assert ask(session, questions(1)) == texts(questions(1))


@pytest.mark.parametrize("status", ["truncated", "refused"])
def test_a_truncated_or_refused_reply_is_final(open_with, status):
    with open_with(Model(lambda _: Reply(status))) as session:
        asyncio.run(session.generate(questions(1)))
    with open_with(Model()) as session:
        assert asyncio.run(session.generate(questions(1)))[0].status == status


def test_longest_requests_are_batched_together_first(open_with):
    model = Model()
    requests = [Generate(user("a" * length), 8) for length in (1, 9, 2, 8, 3, 7)]
    with open_with(model) as session:
        ask(session, requests)
    assert model.batches == [["a" * 9, "a" * 8, "a" * 7, "a" * 3], ["a" * 2, "a"]]


def test_a_run_that_broke_off_goes_on_with_the_same_batches(open_with, tmp_path):
    uninterrupted = Model()
    with open_with(uninterrupted) as session:
        asyncio.run(session.generate(questions(19)))
    (tmp_path / cache.FILE_NAME).unlink()
    broken, resumed = Model(fail_after=2), Model()
    with pytest.raises(SetupError), open_with(broken) as session:
        asyncio.run(session.generate(questions(19)))
    with open_with(resumed) as session:
        assert ask(session, questions(19)) == texts(questions(19))
    assert broken.batches + resumed.batches == uninterrupted.batches
    assert ledger.repeated_requests(tmp_path) == 0


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
import entp.llm.session as sessions
from entp.config import LLMConfig
from tests.llm.test_session import Model, questions

class Killed(Model):
    async def _reply(self, requests):
        if len(self.batches) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return await super()._reply(requests)

sessions.open_backend = lambda _: Killed()
with sessions.open_session(LLMConfig(), Path(sys.argv[1]), "test") as session:
    asyncio.run(session.generate(questions(19)))
"""


def test_no_finished_request_is_made_again_after_sigkill(open_with, tmp_path):
    root = Path(__file__).parents[2]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], cwd=root, env={**os.environ, "PYTHONPATH": "."}
    )
    assert killed.returncode == -signal.SIGKILL
    resumed = Model()
    with open_with(resumed) as session:
        assert ask(session, questions(19)) == texts(questions(19))
    assert (len(resumed.seen), ledger.repeated_requests(tmp_path)) == (19 - 3 * 4, 0)


def test_a_request_made_twice_shows_in_the_ledger(open_with, tmp_path):
    for _ in range(2):
        with open_with(Model()) as session:
            ask(session, questions(5))
        with cache.connect(tmp_path) as connection:
            connection.execute("DELETE FROM replies")
    assert ledger.repeated_requests(tmp_path) == 5


def test_the_ledger_adds_up_by_purpose(open_with, tmp_path):
    for purpose, count in (("rate", 4), ("mix", 2), ("mix", 3)):
        with open_with(Model(), purpose) as session:
            ask(session, questions(count))
    rate, mix = ledger.usage_by_purpose(tmp_path)
    assert (rate.purpose, rate.model, rate.made, rate.cached, rate.tokens_in) == ("rate", "fake", 4, 0, 8)
    assert (mix.purpose, mix.made, mix.cached) == ("mix", 0, 5)


def test_usage_prices_cached_replies_too(open_with):
    answer = Reply("ok", tokens_in=500_000, tokens_out=100_000)
    for _ in range(2):
        with open_with(Model(lambda _: answer), price_in=2.0, price_out=10.0) as session:
            asyncio.run(session.generate(questions(2)))
            usage = session.usage
    assert (usage.requests, usage.cached, usage.tokens_in, usage.tokens_out) == (2, 2, 1_000_000, 200_000)
    assert usage.cost == pytest.approx(4.0)


def test_one_session_serves_several_event_loops(open_with):
    with open_with(Model(concurrency=3)) as session:
        assert [ask(session, questions(9, start)) for start in (0, 9)] == [texts(questions(9, s)) for s in (0, 9)]


def test_progress_is_told_about_every_request(open_with):
    told = []
    with open_with(Model()) as session:
        asyncio.run(session.generate([*questions(6), *questions(2)], lambda items=1: told.append(items)))
    assert sum(told) == 8


def test_an_empty_list_is_answered_without_the_model(open_with):
    with open_with(Model(fail_after=0)) as session:
        assert ask(session, []) == []


def test_a_damaged_cache_file_is_named(open_with, tmp_path):
    (tmp_path / cache.FILE_NAME).write_bytes(b"not a database, but long enough to be read as a header" * 40)
    with pytest.raises(SetupError, match=r"requests\.sqlite"), open_with(Model()):
        pass


class Terminating(Model):
    """Asks its own process to end while it works on its third batch, and finishes what it is working on."""

    async def _reply(self, requests):
        if len(self.batches) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        replies = await super()._reply(requests)
        await asyncio.sleep(0.05)
        return replies


@pytest.mark.parametrize("concurrency", [1, 3])
def test_sigterm_keeps_what_the_model_is_working_on_and_asks_no_more(open_with, tmp_path, concurrency):
    model = Terminating(concurrency=concurrency)
    with open_with(model) as session, pytest.raises(Stopped, match="goes on where this one ended"):
        session.run(session.generate(questions(40)))
    assert len(model.batches) < 10
    again = Model()
    with open_with(again) as session:
        assert ask(session, questions(40)) == texts(questions(40))
    assert len(model.seen) + len(again.seen) == 40
    assert ledger.repeated_requests(tmp_path) == 0
