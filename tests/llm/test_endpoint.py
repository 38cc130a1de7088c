"""The endpoint backend against a real HTTP server that misbehaves in every known way."""

from __future__ import annotations

import asyncio
import logging
import math
import resource
import socket
import time

import pytest

from entp.config import LLMConfig
from entp.errors import SetupError, UsageError
from entp.llm import servers
from entp.llm.backends import open_backend
from entp.llm.client import Choose, Generate, LogLikelihood, Reply, user
from entp.llm.faults import Fault
from entp.llm.session import open_session
from tests.llm.openai_server import Server, completion, error, serving

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
QUESTION = Generate(user("Hello?"), max_tokens=9, temperature=0.5, seed=3)
VERDICT = Choose(user("Good?"), ("Yes", "No"))


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(servers, "PAUSE_SECONDS", 0.01)


def backend(server: Server, **config):
    return open_backend(
        LLMConfig(backend="endpoint", endpoint=server.url, model="m", **{"retries": 2, "timeout_seconds": 20, **config})
    )


def generate(server: Server, request: Generate = QUESTION, **config):
    with serving(server):
        return asyncio.run(backend(server, **config).generate([request]))[0]


def choose(server: Server):
    with serving(server):
        return asyncio.run(backend(server).choose([VERDICT]))[0]


def test_a_reply_comes_with_the_tokens_the_server_counted():
    reply = generate(Server(completions=[completion("hello")]))
    assert (reply.status, reply.text, reply.tokens_in, reply.tokens_out) == ("ok", "hello", 7, 3)


def test_the_request_carries_what_shapes_the_reply():
    server = Server(completions=[completion('{"a": "b"}')])
    generate(server, Generate(user("Hello?"), 9, 0.5, 3, SCHEMA))
    sent = server.calls("completions")[0]
    assert (sent["model"], sent["max_tokens"], sent["temperature"], sent["seed"]) == ("m", 9, 0.5, 3)
    assert sent["response_format"]["json_schema"]["schema"] == SCHEMA


@pytest.mark.parametrize(
    "fault", [error(408), error(429), error(500), error(503), "cut", "drop", "page", (200, {"choices": []}), (200, {})]
)
def test_an_infrastructure_error_is_tried_again(fault):
    server = Server(completions=[fault, completion("at last")])
    assert generate(server).text == "at last"
    assert len(server.calls("completions")) == 2


@pytest.mark.parametrize(
    ("fault", "word"),
    [(error(429), "429"), (error(500), "500"), ("cut", "connection lost"), ("page", "malformed"), ((200, {}), "malf")],
)
def test_an_error_that_lasts_is_a_failed_reply_that_says_what_and_how_often(fault, word):
    server = Server(completions=[fault])
    reply = generate(server, retries=1)
    assert (reply.status, len(server.calls("completions"))) == ("failed", 2)
    assert word in reply.error
    assert reply.error.endswith("(after 2 tries)")


def test_a_server_that_asks_to_wait_is_not_asked_before():
    arrivals = []

    def answer(_):
        arrivals.append(time.monotonic())
        return error(429, Retry_After="0.5") if len(arrivals) == 1 else completion()

    assert generate(Server(completions=[answer])).status == "ok"
    assert arrivals[1] - arrivals[0] >= 0.5


def test_a_wait_of_days_is_cut_to_a_minute():
    assert servers._asked_to_wait(Fault(Reply("failed"), wait=200_000)) == 60


def test_a_bad_request_is_not_tried_again():
    server = Server(completions=[error(400, "prompt is too long")])
    reply = generate(server)
    assert (reply.status, len(server.calls("completions"))) == ("failed", 1)
    assert "prompt is too long" in reply.error


def test_a_server_that_hangs_times_out():
    reply = generate(Server(completions=["hang"]), timeout_seconds=0.3, retries=0)
    assert (reply.status, reply.error) == ("timed_out", "no reply within 0.3 s (1 try)")


@pytest.mark.parametrize("text", ['{"a": "b', "[1]", "Sure! {}", ""])
def test_a_reply_under_a_schema_that_is_no_json_object_is_tried_again_then_fails_and_keeps_its_text(text):
    wish = Generate(user("Hello?"), 9, json_schema=SCHEMA)
    mended = Server(completions=[completion(text), completion('{"a": "b"}')])
    assert generate(mended, wish).text == '{"a": "b"}'
    assert mended.calls("completions")[0] == mended.calls("completions")[1]
    reply = generate(Server(completions=[completion(text)]), wish, retries=1)
    assert (reply.status, reply.text, reply.tokens_out) == ("failed", text, 3)
    assert reply.error == "malformed: the reply is not one JSON object (after 2 tries)"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (completion("hel", finish="length"), "truncated"),
        (completion("", finish="content_filter"), "refused"),
        (completion("", refusal="I can't help with that."), "refused"),
    ],
)
def test_the_way_a_reply_ended_is_its_status_and_final(answer, status):
    server = Server(completions=[answer])
    assert generate(server, Generate(user("Hello?"), 9, json_schema=SCHEMA)).status == status
    assert len(server.calls("completions")) == 1


def test_an_endpoint_that_is_down_is_named():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
    down = open_backend(LLMConfig(backend="endpoint", endpoint=url, model="m"))
    with pytest.raises(SetupError, match=url):
        asyncio.run(down.generate([QUESTION]))


def test_an_endpoint_that_goes_away_stops_the_run(tmp_path):
    server = Server(completions=["cut"])
    config = {"backend": "endpoint", "model": "m", "retries": 0, "concurrency": 2}
    requests = [Generate(user(str(number)), 8) for number in range(40)]
    with (
        serving(server),
        open_session(LLMConfig(endpoint=server.url, **config), tmp_path, "test") as session,
        pytest.raises(SetupError, match="run again"),
    ):
        asyncio.run(session.generate(requests))


def test_a_refused_key_names_its_variable_and_never_shows_it(monkeypatch, caplog):
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    caplog.set_level(logging.DEBUG)
    server = Server(models=[error(401, "bad key sk-very-secret")])
    with pytest.raises(SetupError, match="MY_KEY") as caught:
        generate(server, api_key_env="MY_KEY")
    assert server.keys == {"Bearer sk-very-secret"}
    assert "sk-very-secret" not in str(caught.value) + caplog.text


def test_a_model_that_the_server_does_not_have_is_named():
    with pytest.raises(SetupError, match="no model 'm'"):
        generate(Server(completions=[error(404, "The model `m` does not exist.")]))


def test_an_empty_account_stops_the_run():
    with pytest.raises(SetupError, match="quota"):
        generate(Server(completions=[error(429, "pay", code="insufficient_quota")]), retries=0)


def test_choose_weighs_the_answers_by_their_first_token():
    reply = choose(Server(completions=[completion(logprobs={"Yes": math.log(0.6), " No": math.log(0.2), "We": -2.0})]))
    assert reply.probabilities == pytest.approx({"Yes": 0.75, "No": 0.25})
    assert reply.answer_mass == pytest.approx(0.8)


def test_an_answer_beyond_the_likeliest_tokens_has_no_share():
    reply = choose(Server(completions=[completion(logprobs={"No": math.log(0.5), "Maybe": -1.0})]))
    assert reply.probabilities == pytest.approx({"Yes": 0.0, "No": 1.0})


def test_without_any_answer_among_the_likeliest_tokens_they_share_evenly_and_have_no_mass():
    reply = choose(Server(completions=[completion(logprobs={"Well": -0.1})]))
    assert (reply.status, reply.probabilities, reply.answer_mass) == ("ok", {"Yes": 0.5, "No": 0.5}, 0.0)


def test_a_server_without_logprobs_cannot_choose():
    with pytest.raises(SetupError, match="log-probabilities"):
        choose(Server(completions=[completion()]))


def vllm_server() -> Server:
    """Text "abc" has tokens 97, 98, 99, of log-probability -1 each; the prompt has tokens 1, 2."""

    def tokenize(body):
        return 200, {"tokens": [1, 2] if "messages" in body else list(body["prompt"].encode())}

    def complete(body):
        positions = [None, *({str(token): {"logprob": -1.0}} for token in body["prompt"][1:])]
        answer = completion()[1]
        return 200, {**answer, "object": "text_completion", "choices": [{
            "index": 0, "text": "x", "finish_reason": "length", "logprobs": None, "prompt_logprobs": positions
        }]}  # fmt: skip

    return Server(tokenize=[tokenize], completions=[complete])


@pytest.mark.parametrize(("messages", "limit", "expected"), [(user("Hi"), None, 3), (user("Hi"), 2, 2), ((), None, 2)])
def test_a_vllm_server_scores_a_given_text(messages, limit, expected):
    with serving(vllm_server()) as server:
        reply = asyncio.run(backend(server).loglikelihood([LogLikelihood(messages, "abc", limit)]))[0]
    assert (reply.status, reply.logprob, reply.tokens_scored) == ("ok", -float(expected), expected)


def test_another_server_cannot_score_a_given_text():
    with pytest.raises(SetupError, match="cannot score"), serving(Server(completions=[completion()])) as server:
        asyncio.run(backend(server).loglikelihood([LogLikelihood((), "abc")]))


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ({"backend": "endpoint", "model": "m"}, "llm.endpoint="),
        ({"backend": "endpoint", "endpoint": "http://x/v1"}, "llm.model="),
        ({"backend": "transformers", "endpoint": "http://x/v1"}, "leave one of the two out"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(config, word):
    with pytest.raises(UsageError, match=word):
        open_backend(LLMConfig(**config))


def test_the_limit_of_open_files_is_raised_to_the_concurrency_or_the_remedy_named():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard < 4096:
        pytest.skip(f"needs a hard limit of open files between 4096 and infinity, not {hard}")
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
        open_backend(LLMConfig(endpoint="http://x/v1", model="m", concurrency=3000))
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 3000
        with pytest.raises(UsageError, match="ulimit -n"):
            open_backend(LLMConfig(endpoint="http://x/v1", model="m", concurrency=hard))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_many_requests_are_in_flight_at_once_over_two_event_loops(tmp_path):
    server = Server(completions=[lambda body: completion(body["messages"][0]["content"])])
    requests = [Generate(user(str(number)), 8) for number in range(30)]
    with (
        serving(server),
        open_session(LLMConfig(backend="endpoint", model="m", endpoint=server.url), tmp_path, "test") as session,
    ):
        texts = [reply.text for half in (requests[:15], requests[15:]) for reply in asyncio.run(session.generate(half))]
    assert texts == [str(number) for number in range(30)]
