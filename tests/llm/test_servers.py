"""Several real servers behind one endpoint backend: sharing the load, failing, going away, coming back."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from entp.config import LLMConfig
from entp.errors import SetupError
from entp.llm import servers
from entp.llm.backends import open_backend
from entp.llm.client import Choose, Generate, user
from entp.llm.session import open_session
from tests.llm.openai_server import Server, by_digest, completion, error, serving

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
MIXED_FAULTS = "429=0.1,500=0.05,hang=0.05,malformed=0.1,cut=0.02"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(servers, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(servers, "ASIDE_SECONDS", 0.1)


def backend(*urls: str, **config):
    settings = {"backend": "endpoint", "model": "m", "retries": 4, "timeout_seconds": 20, **config}
    return open_backend(LLMConfig(endpoint=list(urls), **settings))


def ask(opened, count: int, start: int = 0):
    """That many requests at once; the replies in order."""
    requests = [Generate(user(f"question {number}"), 8) for number in range(start, start + count)]
    return asyncio.run(opened.generate(requests))


def statuses(replies) -> set[str]:
    return {reply.status for reply in replies}


def sound() -> Server:
    return Server(completions=[completion()])


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1"


def asked(server: Server) -> int:
    return len(server.calls("completions"))


@contextmanager
def both(one: Server, other: Server) -> Iterator[None]:
    with serving(one), serving(other):
        yield


def test_a_request_goes_to_the_server_with_the_fewest_in_flight(tmp_path):
    others = iter(range(1, 100))
    most_are_done = threading.Event()

    def slow(_):
        assert most_are_done.wait(timeout=20)
        return completion()

    def quick(_):
        if next(others) >= 15:
            most_are_done.set()
        return completion()

    busy, idle = Server(completions=[slow]), Server(completions=[quick])
    requests = [Generate(user(str(number)), 8) for number in range(20)]
    with both(busy, idle):
        config = LLMConfig(endpoint=[busy.url, idle.url], model="m", concurrency=6)
        with open_session(config, tmp_path, "test") as session:
            assert statuses(asyncio.run(session.generate(requests))) == {"ok"}
    assert asked(busy) <= 5
    assert asked(idle) >= 15


@pytest.mark.parametrize("fault", [error(429), error(500), "cut", "page"])
def test_a_request_that_failed_is_tried_on_another_server(fault):
    failing, working = Server(completions=[fault]), sound()
    with both(failing, working):
        assert statuses(ask(backend(failing.url, working.url, retries=1), 20)) == {"ok"}
    assert asked(working) == 20


def test_a_server_that_is_down_at_the_start_is_a_warning_and_a_second_one_that_is_down_the_end(capsys):
    down = url(free_port())
    with serving(sound()) as up:
        assert statuses(ask(backend(down, up.url), 5)) == {"ok"}
    assert f"no answer from {down}" in capsys.readouterr().err
    with pytest.raises(SetupError, match=f"(?s){down}.*{up.url}.*run again"):
        ask(backend(down, up.url), 5)


def test_a_server_that_dies_is_set_aside_and_asked_again_when_it_is_back(monkeypatch):
    monkeypatch.setattr(servers, "LONGEST_ASIDE", 0.2)
    mortal, reborn, steady = sound(), sound(), sound()
    port = free_port()
    with serving(steady):
        opened = backend(url(port), steady.url)
        with serving(mortal, port):
            assert statuses(ask(opened, 10)) == {"ok"}
        assert statuses(ask(opened, 40, start=10)) == {"ok"}
        after_its_death = asked(steady)
        assert statuses(ask(opened, 40, start=50)) == {"ok"}
        with serving(reborn, port):
            time.sleep(0.25)
            assert statuses(ask(opened, 1, start=90)) == {"ok"}
            assert statuses(ask(opened, 10, start=91)) == {"ok"}
    assert (asked(mortal), after_its_death) == (5, 45)
    assert asked(reborn) >= 5


def test_requests_wait_for_the_only_server_to_come_back(monkeypatch, capsys):
    monkeypatch.setattr(servers, "ASIDE_SECONDS", 0.5)
    port = free_port()
    opened = backend(url(port))
    with serving(sound(), port):
        assert statuses(ask(opened, 3)) == {"ok"}
    with ExitStack() as stack:
        restart = threading.Timer(0.6, lambda: stack.enter_context(serving(sound(), port)))
        set_aside = servers.Server.set_aside

        def and_restarted(server: servers.Server) -> None:
            set_aside(server)
            if not restart.is_alive() and not restart.finished.is_set():
                restart.start()

        monkeypatch.setattr(servers.Server, "set_aside", and_restarted)
        assert statuses(ask(opened, 50, start=3)) == {"ok"}
        restart.join()
    assert f"{url(port)} is set aside" in capsys.readouterr().err


def test_when_the_last_server_is_gone_the_run_stops_and_names_them_all():
    one, other = sound(), sound()
    with serving(one):
        with serving(other):
            opened = backend(one.url, other.url, retries=1)
            assert statuses(ask(opened, 4)) == {"ok"}
        assert statuses(ask(opened, 30, start=4)) == {"ok"}
    with pytest.raises(SetupError, match=f"(?s){one.url}.*{other.url}.*finished requests are kept"):
        ask(opened, 30, start=34)


def test_requests_that_hang_do_not_condemn_a_server_that_answers_others():
    def answer(body):
        return "hang" if int(body["messages"][0]["content"].split()[1]) % 2 else completion()

    with serving(Server(completions=[answer])) as server:
        opened = backend(server.url, retries=0, timeout_seconds=1)
        replies = [*ask(opened, 20), *ask(opened, 20, start=20)]
    assert [reply.status for reply in replies] == ["ok", "timed_out"] * 20


@pytest.mark.parametrize(
    "refusal", [{"models": [error(401)]}, {"completions": [error(403)]}, {"completions": [error(404, "no model m")]}]
)
def test_a_server_that_refuses_us_is_done_without_while_another_does_not(refusal, capsys):
    refusing, working = Server(**{"completions": [completion()], **refusal}), sound()
    with both(refusing, working):
        assert statuses(ask(backend(refusing.url, working.url, retries=0), 10)) == {"ok"}
        assert asked(working) == 10
        if "models" not in refusal:
            assert refusing.url in capsys.readouterr().err
        with pytest.raises(SetupError, match=refusing.url):
            ask(backend(refusing.url), 1)


def test_a_server_without_logprobs_leaves_the_choosing_to_the_others():
    without = sound()
    having = Server(completions=[completion(logprobs={"Yes": -0.1, "No": -3.0})])
    with both(without, having):
        replies = asyncio.run(backend(without.url, having.url).choose([Choose(user("Good?"), ("Yes", "No"))] * 6))
    assert statuses(replies) == {"ok"}


@contextmanager
def server_process(*arguments: str) -> Iterator[str]:
    """The test server as a process of its own; its base URL."""
    command = [sys.executable, "-m", "tests.llm.openai_server", *arguments]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def test_hundreds_of_requests_get_their_replies_once_through_every_kind_of_fault(tmp_path):
    requests = [
        Generate(user(f"What grows in garden {number}?"), 8, json_schema=SCHEMA if number % 2 else None)
        for number in range(300)
    ]
    plain = sound_by_digest(requests, tmp_path / "plain")
    with (
        server_process("--faults", MIXED_FAULTS, "--seed", "1") as one,
        server_process("--faults", MIXED_FAULTS, "--seed", "2") as other,
    ):
        config = LLMConfig(endpoint=[one, other], model="m", concurrency=150, retries=12, timeout_seconds=3)
        with open_session(config, tmp_path / "faults", "test") as session:
            replies = asyncio.run(session.generate(requests))
        records = [json.load(urllib.request.urlopen(f"{server}/record", timeout=10)) for server in (one, other)]
    assert replies == plain
    assert all(set(record["met"]) == {"429", "500", "hang", "malformed", "cut"} for record in records)
    times = [times for record in records for times in record["answered"].values()]
    assert times == [1] * 300


def sound_by_digest(requests, folder: Path):
    with serving(Server(completions=[by_digest])) as server:
        config = LLMConfig(endpoint=server.url, model="m")
        with open_session(config, folder, "test") as session:
            return asyncio.run(session.generate(requests))


def test_which_tries_meet_a_fault_does_not_depend_on_the_order_of_requests():
    bodies = [{"max_tokens": 1, "messages": [{"role": "user", "content": str(number)}]} for number in range(200)]
    runs = [Server({"500": 0.3}, seed=4, completions=[by_digest]) for _ in range(3)]
    met = [
        {order[place]["messages"][0]["content"]: run.reply("completions", order[place])[1] for place in range(200)}
        for run, order in zip(runs, (bodies, bodies[::-1], bodies), strict=True)
    ]
    assert met[0] == met[1] == met[2]
    assert 40 <= runs[0].met["500"] <= 80
    assert runs[0].reply("completions", bodies[0])[0] in (by_digest(bodies[0]), error(500, "out of order"))
