"""SIGKILL in the middle of `mix`, then the same command again: the real process, a real HTTP model server."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from entp import store
from entp.llm import ledger
from tests.datasets import publish_pairs, sample
from tests.llm.openai_server import Answer, Server, completion, serving

TOPICS = ("basil", "tomatoes", "roses", "mint", "lettuce", "beans", "peas", "thyme", "leeks", "kale", "dill", "sage")


def answer(body: dict[str, Any]) -> Answer:
    """The same request gets the same reply, after a moment, as from a model at temperature 0."""
    time.sleep(0.02)
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest()
    if body.get("logprobs"):
        shares = {str(number): -0.5 - digest[number] / 100 for number in range(6)} | {"Yes": -0.2, "No": -2.0}
        return completion("4", logprobs=shares)
    topic = next((topic for topic in TOPICS if topic in json.dumps(body)), "plants")
    return completion(f"How should I water and feed {topic} so that it grows {digest.hex()[:6]}?")


@pytest.fixture
def pairs(tmp_path: Path) -> list[Path]:
    """Two run folders with the same purge, curate and pair datasets."""
    samples = [
        sample(f"How do I {verb} {topic}?", f"{verb.title()} {topic} once a week.", row=2 * number + place)
        for number, topic in enumerate(TOPICS)
        for place, verb in enumerate(("water", "feed"))
    ]
    return [publish_pairs(tmp_path / name, samples) for name in ("whole", "killed")]


def mix(run: Path, url: str) -> subprocess.Popen[bytes]:
    settings = [f"llm.endpoint={url}", "llm.model=m", "llm.concurrency=2", "mix.in_flight=3", "rate.raters=[judge]"]
    command = [sys.executable, "-c", "from entp.cli import main; main()", "mix", "--output", str(run), *settings]
    return subprocess.Popen(command, cwd=run, stdout=subprocess.DEVNULL)


def test_a_killed_mix_goes_on_and_ends_with_the_same_fusions(pairs):
    whole, killed = pairs
    server = Server(completions=[answer])
    with serving(server) as running:
        assert mix(whole, running.url).wait(120) == 0
        needed = len(server.seen)
        for share in (0.3, 0.6):
            already = len(server.seen)
            process = mix(killed, running.url)
            while len(server.seen) < already + share * needed / 2:
                assert process.poll() is None, "the stage ended before it could be killed"
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert not (killed / "mix").exists()
        assert mix(killed, running.url).wait(120) == 0
    assert store.read(killed / "mix", "fusions").equals(store.read(whole / "mix", "fusions"))
    for run in pairs:
        assert ledger.repeated_requests(run / "cache") == 0
    made = [sum(use.made for use in ledger.usage_by_purpose(run / "cache")) for run in pairs]
    assert made[0] == made[1]
